/* Heaps at real threads, one step at a time: bounds that heaps share, heaps without owner, the lock under which blocks
 * change hands, and what the proof says of a slab that is in no list. */
#include "tests/test_real.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "allocator/check.h"
#include "allocator/root.h"
#include "allocator/slab_list.h"
#include "allocator/superslab.h"
#include "allocator/thread.h"

static struct hak_heap_counts census_take(void) {
    struct hak_heap_counts counts;
    const char *broken = hak_check_heap(&counts, NULL, NULL);
    if (broken != NULL) {
        fail_msg("%s", broken);
    }
    return counts;
}

/* ---- what one cache may hold ---- */

/* The bounds of the geometry hold for each class: of a batch, of what a cache starts with, and of what it may grow to.
 */
static void test_caches_keep_their_bounds(void **state) {
    (void)state;
    hak_free(hak_malloc(1));
    struct hak_heap *heap = hak_thread.heap;
    for (uint32_t class_id = 0; class_id < HAK_CLASS_COUNT; class_id++) {
        uint32_t batch = hak_heap_batch_max(class_id);
        assert_in_range(batch, 1, HAK_GEO->refill_batch);
        bool is_new = heap->caches[class_id].batch == 0;
        struct hak_cache *cache = hak_heap_cache(heap, class_id);
        assert_in_range(cache->batch, 1, is_new && HAK_GEO->prewarm < batch ? HAK_GEO->prewarm : batch);
        assert_true(!is_new || class_id < HAK_TINY_CLASSES || cache->capacity <= HAK_GEO->cache_min);
    }
    uint32_t capacity = heap->caches[0].capacity;
    for (uint32_t tried = HAK_GEO->cache_max - 3U; tried <= HAK_GEO->cache_max; tried++) {
        heap->caches[0].capacity = (uint16_t)tried;
        assert_int_equal(hak_heap_cache_growth(heap, 0), HAK_GEO->cache_max);
    }
    heap->caches[0].capacity = (uint16_t)capacity;
    (void)census_take();
}

/* ---- what the caches of all threads may hold ---- */

/* A cache has room for a few blocks whatever the share. */
static size_t least_bytes(const struct hak_heap *heap) {
    enum { LEAST_BYTES = 64 << 10 };
    size_t sum_bytes = 0;
    for (uint32_t class_id = 0; class_id < HAK_CLASS_COUNT; class_id++) {
        size_t blocks = LEAST_BYTES / hak_class_bytes[class_id];
        blocks = blocks < HAK_GEO->cache_min ? blocks : HAK_GEO->cache_min;
        sum_bytes += heap->caches[class_id].batch == 0 ? 0 : blocks * hak_class_bytes[class_id];
    }
    return sum_bytes;
}

static void use_caches(size_t size_bytes) {
    enum { BLOCKS = 1500, ROUNDS = 60 };
    static void *blocks[BLOCKS];
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < BLOCKS; i++) {
            blocks[i] = hak_malloc(size_bytes);
            require(blocks[i] != NULL);
        }
        for (size_t i = 0; i < BLOCKS; i++) {
            hak_free(blocks[i]);
        }
    }
}

/* With many heaps each has less; that there are so many is only said. */
static void test_caches_share_a_bound(void **state) {
    (void)state;
    enum { HEAPS = 63, SHARE_BYTES = (16 << 20) / (HEAPS + 1) };
    hak_free(hak_malloc(1));
    const struct hak_heap *heap = hak_thread.heap;
    uint32_t count = hak_load(&hak_root.heaps.count, relaxed);
    hak_store(&hak_root.heaps.count, HEAPS, relaxed);
    for (size_t size_bytes = 512; size_bytes <= 1024; size_bytes += 64) {
        use_caches(size_bytes);
    }
    hak_store(&hak_root.heaps.count, count, relaxed);
    assert_true(heap->capacity_bytes > SHARE_BYTES / 2); /* else nothing grew, and nothing was bounded */
    assert_true(heap->capacity_bytes <= SHARE_BYTES + least_bytes(heap));
    (void)census_take();
}

/* A capacity that an option sets does not grow with the chains that come. */
static void test_pinned_caches_do_not_grow(void **state) {
    (void)state;
    hak_free(hak_malloc(100));
    const struct hak_heap *heap = hak_thread.heap;
    uint32_t class_id = hak_class_of(100), *option = &hak_root.options.value[HAK_OPTION_THREAD_CACHE];
    uint32_t capacity = heap->caches[class_id].capacity, before = *option;
    assert_true(hak_heap_cache_growth(heap, class_id) > capacity);
    *option = 0;
    uint32_t growth = hak_heap_cache_growth(heap, class_id);
    *option = before;
    assert_int_equal(growth, capacity);
}

/* ---- what a thread gathers for others ---- */

/* The calling thread allocates as another one would. */
static void *malloc_as(struct hak_heap *heap, size_t size_bytes) {
    struct hak_heap *own = hak_thread.heap;
    hak_thread.heap = heap;
    void *block = hak_malloc(size_bytes);
    hak_thread.heap = own;
    require(block != NULL);
    return block;
}

/* Few blocks that are large are handed over as early as many that are small. */
static void test_large_blocks_are_not_gathered(void **state) {
    (void)state;
    enum { SIZE_BYTES = 30000, BLOCKS = 8, GATHERED_MAX_BYTES = 64 << 10 };
    void *blocks[BLOCKS];
    (void)hak_malloc_trim(0);
    struct hak_heap *owner = hak_heap_claim();
    require(owner != NULL);
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc_as(owner, SIZE_BYTES);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        hak_free(blocks[i]);
        assert_true((size_t)hak_thread.heap->pending.count * SIZE_BYTES < GATHERED_MAX_BYTES);
    }
    hak_pending_send(hak_thread.heap);
    hak_heap_release(owner);
    (void)hak_malloc_trim(0);
}

/* A thread that has ended frees what it likes, and keeps no heap for that: nobody would release it. */
static void *free_late(void *argument) {
    enum { BLOCKS = 64 };
    void **blocks = argument;
    hak_thread.ended = true;
    for (size_t i = 0; i < BLOCKS; i++) {
        hak_free(blocks[i]);
    }
    return hak_thread_has_heap() ? argument : NULL;
}

static void test_no_heap_for_late_frees(void **state) {
    (void)state;
    enum { BLOCKS = 64 };
    void *blocks[BLOCKS], *has_heap;
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = hak_malloc(100);
        require(blocks[i] != NULL);
    }
    pthread_t thread;
    require(pthread_create(&thread, NULL, free_late, blocks) == 0);
    require(pthread_join(thread, &has_heap) == 0);
    assert_null(has_heap);
    (void)census_take();
}

/* ---- heaps without owner ---- */

enum { KEPT = 20 };
static void *kept[KEPT];

static void *make_kept(void *unused) {
    (void)unused;
    for (size_t i = 0; i < KEPT; i++) {
        kept[i] = hak_malloc(16 + i * 37);
        require(kept[i] != NULL);
    }
    return NULL;
}

/* A heap in use keeps a slab of each class; one that nobody has gives all of them back. */
static void test_help_gives_back_what_nobody_owns(void **state) {
    (void)state;
    (void)hak_malloc_trim(0);
    size_t before = census_take().bound_slabs;
    pthread_t thread;
    require(pthread_create(&thread, NULL, make_kept, NULL) == 0);
    require(pthread_join(thread, NULL) == 0);
    assert_true(census_take().bound_slabs > before);
    for (size_t i = 0; i < KEPT; i++) {
        hak_free(kept[i]);
    }
    hak_pending_send(hak_thread.heap);
    hak_heaps_help(os_clock_ms() + 60000);
    struct hak_heap_counts after = census_take();
    assert_int_equal(after.remote_blocks, 0);
    assert_int_equal(after.bound_slabs, before);
}

/* Whoever looks for a slab asks a few of the heaps without owner, and goes on behind them the next time: so what the
 * one has that was left first serves too. */
static void test_adoption_asks_them_all(void **state) {
    (void)state;
    enum { HEAPS = 30, BLOCKS = 40, WANTED_BYTES = 24000, OTHER_BYTES = 16 };
    struct hak_heap *heaps[HEAPS], *own = hak_thread.heap;
    void *left[HEAPS], *blocks[BLOCKS];
    (void)hak_malloc_trim(0);
    for (size_t i = 0; i < HEAPS; i++) {
        heaps[i] = hak_heap_claim();
        require(heaps[i] != NULL);
    }
    for (size_t i = 0; i < HEAPS; i++) {
        left[i] = malloc_as(heaps[i], i == 0 ? WANTED_BYTES : OTHER_BYTES);
    }
    for (size_t i = 0; i < HEAPS; i++) {
        hak_heap_release(heaps[i]);
    }
    const struct hak_slab *slab = hak_slab_of(left[0]);
    assert_ptr_equal(hak_slab_owner(slab), heaps[0]);
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = hak_malloc(WANTED_BYTES);
    }
    assert_ptr_equal(hak_slab_owner(slab), own);
    (void)census_take();
    for (size_t i = 0; i < HEAPS; i++) {
        hak_free(left[i]);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        hak_free(blocks[i]);
    }
    (void)hak_malloc_trim(0);
    assert_null(hak_load(&hak_root.heaps.orphans, relaxed));
    assert_null(hak_root.heaps.asked_last);
}

/* The one that was asked last is forgotten when it has an owner again, and only then. */
static void test_who_was_asked_last_may_leave(void **state) {
    (void)state;
    enum { HEAPS = 3, SIZE_BYTES = 24000, SPARES_MAX = 100 };
    struct hak_heap *heaps[HEAPS], *spares[SPARES_MAX];
    void *left[HEAPS];
    size_t spare_count = 0;
    (void)hak_malloc_trim(0);
    for (size_t i = 0; i < HEAPS; i++) {
        heaps[i] = hak_heap_claim();
        require(heaps[i] != NULL);
    }
    for (size_t i = 0; i < HEAPS; i++) {
        left[i] = malloc_as(heaps[i], SIZE_BYTES);
    }
    for (size_t i = 0; i < HEAPS; i++) {
        hak_heap_release(heaps[i]);
    }
    while (hak_load(&hak_root.heaps.spares, relaxed) != NULL) { /* they would serve first */
        require(spare_count < SPARES_MAX);
        spares[spare_count++] = hak_heap_claim();
    }
    struct hak_heap *first = hak_load(&hak_root.heaps.orphans, relaxed), *second = first->next_unowned;
    /* Behind the last one the first one is asked again. */
    hak_root.heaps.asked_last = second->next_unowned;
    require(hak_root.heaps.asked_last->next_unowned == NULL);
    assert_true(hak_heap_adopt(hak_thread.heap, hak_slab_of(left[0])->class_id));
    require(hak_load(&hak_root.heaps.spares, relaxed) != NULL);
    spares[spare_count++] = hak_heap_claim();
    first = hak_load(&hak_root.heaps.orphans, relaxed);
    second = first->next_unowned;
    hak_root.heaps.asked_last = second;
    require(hak_heap_claim() == first);
    assert_ptr_equal(hak_root.heaps.asked_last, second);
    require(hak_heap_claim() == second);
    assert_null(hak_root.heaps.asked_last);
    hak_heap_release(first);
    hak_heap_release(second);
    while (spare_count > 0) {
        hak_heap_release(spares[--spare_count]);
    }
    for (size_t i = 0; i < HEAPS; i++) {
        hak_free(left[i]);
    }
    (void)hak_malloc_trim(0);
    (void)census_take();
}

/* A heap that nobody has and that has nothing knows of no class: who takes it next has none to look through. */
static void test_an_empty_heap_forgets_its_classes(void **state) {
    (void)state;
    static const struct hak_class_set none;
    struct hak_heap *heap = hak_heap_claim();
    require(heap != NULL);
    void *block = malloc_as(heap, 200);
    assert_memory_not_equal(&heap->classes, &none, sizeof none);
    hak_free(block);
    hak_heap_release(heap);
    (void)hak_malloc_trim(0);
    assert_memory_equal(&heap->classes, &none, sizeof none);
}

/* A heap that runs out of a class takes one slab from an orphan, not all: others may need some too. */
static void test_adoption_takes_a_slab(void **state) {
    (void)state;
    enum { BLOCKS = 64, SIZE_BYTES = 24000, SLABS_LEAST = 3 };
    void *left[BLOCKS], *block;
    (void)hak_malloc_trim(0);
    struct hak_heap *heap = hak_heap_claim();
    require(heap != NULL);
    for (size_t i = 0; i < BLOCKS; i++) {
        left[i] = malloc_as(heap, SIZE_BYTES);
    }
    hak_heap_release(heap);
    for (size_t i = 0; i < BLOCKS; i += 2) {
        hak_free(left[i]); /* room in every slab */
    }
    hak_pending_send(hak_thread.heap);
    hak_heap_flush_all(hak_thread.heap);
    block = hak_malloc(SIZE_BYTES);
    unsigned mine = 0, slabs = 0;
    const struct hak_slab *last = NULL;
    for (size_t i = 1; i < BLOCKS; i += 2) {
        const struct hak_slab *slab = hak_slab_of(left[i]);
        slabs += slab != last;
        mine += slab != last && hak_slab_owner(slab) == hak_thread.heap;
        last = slab;
    }
    assert_true(slabs >= SLABS_LEAST);
    assert_int_equal(mine, 1);
    for (size_t i = 1; i < BLOCKS; i += 2) {
        hak_free(left[i]);
    }
    hak_free(block);
    (void)hak_malloc_trim(0);
    (void)census_take();
}

/* A new thread gets a heap that has nothing, as long as there is one: what an orphan has is for whoever needs it. */
static void test_spares_serve_first(void **state) {
    (void)state;
    (void)hak_malloc_trim(0);
    struct hak_heap *spare = hak_heap_claim(), *orphan = hak_heap_claim();
    require(spare != NULL && orphan != NULL);
    void *left = malloc_as(orphan, 100);
    hak_heap_release(spare);
    hak_heap_release(orphan);
    struct hak_heap *claimed = hak_heap_claim();
    assert_ptr_equal(claimed, spare);
    assert_ptr_equal(hak_load(&hak_root.heaps.orphans, relaxed), orphan);
    hak_heap_release(claimed);
    hak_free(left);
    (void)hak_malloc_trim(0);
    (void)census_take();
}

/* A fork may stop a thread that has just said that it gathers blocks of a slab, and not yet which. What it sent before
 * from the same place belongs to others by then. */
static void test_what_was_sent_is_not_salvaged(void **state) {
    (void)state;
    struct hak_heap *other = hak_heap_claim(), *own = hak_thread.heap;
    void *blocks[KEPT];
    require(other != NULL);
    for (size_t i = 0; i < KEPT; i++) {
        blocks[i] = hak_malloc(100);
    }
    hak_thread.heap = other;
    for (size_t i = 0; i < KEPT; i++) {
        hak_free(blocks[i]);
    }
    hak_pending_send(other);
    hak_thread.heap = own;
    assert_int_equal(census_take().remote_blocks, KEPT);
    other->pending.filled = UINT64_MAX >> (64 - HAK_PENDING_PARCELS);
    hak_heap_salvage(other);
    assert_int_equal(census_take().remote_blocks, KEPT);
    (void)hak_malloc_trim(0);
    assert_int_equal(census_take().remote_blocks, 0);
}

/* ---- handing over ---- */

/* Blocks that wait to be handed over are in one list or in the other for whoever holds the heap's lock, as a fork does:
 * so a thread that hands them over waits for the lock. */
static _Atomic(struct hak_heap *) handing_over;
static _Atomic bool may_hand_over, handed_over;

static void *hand_over(void *of_another) {
    hak_free(hak_malloc(24));
    hak_free(of_another); /* waits for more to go with */
    require(hak_thread.heap->pending.count > 0);
    atomic_store(&handing_over, hak_thread.heap);
    while (!atomic_load(&may_hand_over)) {
        (void)sched_yield();
    }
    hak_pending_send(hak_thread.heap);
    atomic_store(&handed_over, true);
    return NULL;
}

static void test_handing_over_waits_for_the_lock(void **state) {
    (void)state;
    enum { SOMEBODY_WAITS = 2 };
    pthread_t thread;
    require(pthread_create(&thread, NULL, hand_over, hak_malloc(100)) == 0);
    while (atomic_load(&handing_over) == NULL) {
        (void)sched_yield();
    }
    struct hak_heap *heap = atomic_load(&handing_over);
    hak_lock_acquire(&heap->lock);
    atomic_store(&may_hand_over, true);
    while (hak_load(&heap->lock.word, relaxed) != SOMEBODY_WAITS && !atomic_load(&handed_over)) {
        (void)sched_yield();
    }
    bool waited = !atomic_load(&handed_over);
    hak_lock_release(&heap->lock);
    require(pthread_join(thread, NULL) == 0);
    assert_true(waited);
    (void)census_take();
}

/* ---- the proof ---- */

/* Planted faults break the other lines of the proof; this one is damage of its own. */
static void test_a_slab_in_no_list_is_seen(void **state) {
    (void)state;
    struct hak_heap_counts counts;
    void *block = hak_malloc(100);
    struct hak_slab *slab = hak_slab_of(block);
    struct hak_heap *heap = hak_thread.heap;
    struct hak_slab **list = hak_slab_is_full(slab) ? &heap->full : &heap->available[slab->class_id];
    (void)census_take();
    hak_slab_list_remove(list, slab);
    assert_string_equal(hak_check_heap(&counts, NULL, NULL), "I34: every bound slab is in a list of its owner");
    hak_slab_list_insert(list, slab);
    (void)census_take();
    hak_free(block);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_caches_keep_their_bounds),
        cmocka_unit_test(test_caches_share_a_bound),
        cmocka_unit_test(test_pinned_caches_do_not_grow),
        cmocka_unit_test(test_large_blocks_are_not_gathered),
        cmocka_unit_test(test_no_heap_for_late_frees),
        cmocka_unit_test(test_help_gives_back_what_nobody_owns),
        cmocka_unit_test(test_adoption_asks_them_all),
        cmocka_unit_test(test_who_was_asked_last_may_leave),
        cmocka_unit_test(test_an_empty_heap_forgets_its_classes),
        cmocka_unit_test(test_adoption_takes_a_slab),
        cmocka_unit_test(test_spares_serve_first),
        cmocka_unit_test(test_what_was_sent_is_not_salvaged),
        cmocka_unit_test(test_handing_over_waits_for_the_lock),
        cmocka_unit_test(test_a_slab_in_no_list_is_seen),
    };
    return cmocka_run_group_tests_name("heaps", tests, NULL, NULL);
}
