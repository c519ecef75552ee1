/* root: where all writable memory of the allocator is. */
#include "allocator/root.h"

#include "allocator/thread.h"

struct hak_root hak_root;

#if HAK_SIM
struct hak_thread hak_thread = HAK_THREAD_INITIAL;
#else
_Thread_local struct hak_thread hak_thread = HAK_THREAD_INITIAL;
#endif
