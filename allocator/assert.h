/* assert: what the allocator believes, in three levels.
 *
 *   hak_assert        always: a wrong answer would corrupt, and the test costs nothing that matters
 *   hak_debug_assert  HAK_CHECK >= 1: on paths where always would cost
 *   hak_heap_assert   HAK_CHECK >= 2, or HAKMEM_FAIL_FAST=1 in any build: walks lists or the whole heap. Who uses it
 *                     includes root.h
 *
 * Tests and oracle call the same ..._is_valid() functions that stand inside these. */
#ifndef HAKMEM_ALLOCATOR_ASSERT_H
#define HAKMEM_ALLOCATOR_ASSERT_H

#include "allocator/os.h"
#include "allocator/shim.h"

#define HAK_STRING_OF(x) #x
#define HAK_STRING(x) HAK_STRING_OF(x)
/* `text` is made before macros are expanded, so that the message is the same with every compiler. */
#define HAK_ASSERT_WHEN(on, condition, text)                                                                           \
    do {                                                                                                               \
        if ((on) && HAK_UNLIKELY(!HAK_QUIETLY(condition)))                                                             \
            os_fatal(HAK_FATAL_INVARIANT,                                                                              \
                     "hakmem: invariant broken: " text " (" __FILE__ ":" HAK_STRING(__LINE__) ")");                    \
    } while (0)

#define hak_assert(condition) HAK_ASSERT_WHEN(true, condition, #condition)
#define hak_debug_assert(condition) HAK_ASSERT_WHEN(HAK_CHECK >= 1, condition, #condition)
#define hak_heap_assert(condition)                                                                                     \
    HAK_ASSERT_WHEN(HAK_CHECK >= 2 || HAK_UNLIKELY(hak_option(FAIL_FAST) != 0), condition, #condition)

#endif
