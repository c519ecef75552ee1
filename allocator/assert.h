/* assert: what the allocator believes, in three levels.
 *
 *   hak_assert        always: a wrong answer would corrupt, and the test costs nothing that matters
 *   hak_debug_assert  HAK_CHECK >= 1: on paths where always would cost
 *   hak_heap_assert   HAK_CHECK >= 2: walks lists or the whole heap
 *
 * Tests and oracle call the same ..._is_valid() functions that stand inside these. */
#ifndef HAKMEM_ALLOCATOR_ASSERT_H
#define HAKMEM_ALLOCATOR_ASSERT_H

#include "allocator/os.h"

#define HAK_STRING_OF(x) #x
#define HAK_STRING(x) HAK_STRING_OF(x)
/* `text` is made before macros are expanded, so that the message is the same with every compiler. */
#define HAK_ASSERT_AT_LEVEL(level, condition, text)                                                                    \
    do {                                                                                                               \
        if (HAK_CHECK >= (level) && HAK_UNLIKELY(!(condition)))                                                        \
            os_fatal(HAK_FATAL_INVARIANT,                                                                              \
                     "hakmem: invariant broken: " text " (" __FILE__ ":" HAK_STRING(__LINE__) ")");                    \
    } while (0)

#define hak_assert(condition) HAK_ASSERT_AT_LEVEL(0, condition, #condition)
#define hak_debug_assert(condition) HAK_ASSERT_AT_LEVEL(1, condition, #condition)
#define hak_heap_assert(condition) HAK_ASSERT_AT_LEVEL(2, condition, #condition)

#endif
