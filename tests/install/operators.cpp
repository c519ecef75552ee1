// operators: new and delete in all their forms, failure included. Blocks are proven ours by hak_malloc_usable_size,
// which ends the process over a block of somebody else's.
#include <cstdint>
#include <cstring>
#include <hakmem.h>
#include <new>

#include "check.h"

// Behind volatile, so that compilers neither know nor complain.
static volatile std::size_t huge_bytes = PTRDIFF_MAX, odd_bytes = 48, no_bytes = 0;
static const std::align_val_t wide = std::align_val_t(256);

static void check_block(void *block, std::size_t align_bytes, std::size_t size_bytes) {
    CHECK(block != nullptr);
    CHECK(reinterpret_cast<std::uintptr_t>(block) % align_bytes == 0);
    CHECK(hak_malloc_usable_size(block) >= size_bytes);
    std::memset(block, 0xa5, size_bytes);
}

static void forms() {
    static const std::size_t sizes_bytes[] = {0, 1, 24, 1024, 5000, 40000, 3000000};
    for (std::size_t size_bytes : sizes_bytes) {
        std::size_t natural_bytes = size_bytes >= 16 ? 16 : 8;
        void *block;
        check_block(block = operator new(size_bytes), natural_bytes, size_bytes);
        operator delete(block);
        check_block(block = operator new(size_bytes), natural_bytes, size_bytes);
        operator delete(block, size_bytes);
        check_block(block = operator new[](size_bytes), natural_bytes, size_bytes);
        operator delete[](block);
        check_block(block = operator new[](size_bytes), natural_bytes, size_bytes);
        operator delete[](block, size_bytes);
        check_block(block = operator new(size_bytes, std::nothrow), natural_bytes, size_bytes);
        operator delete(block, std::nothrow);
        check_block(block = operator new[](size_bytes, std::nothrow), natural_bytes, size_bytes);
        operator delete[](block, std::nothrow);
        check_block(block = operator new(size_bytes, wide), 256, size_bytes);
        operator delete(block, wide);
        check_block(block = operator new(size_bytes, wide), 256, size_bytes);
        operator delete(block, size_bytes, wide);
        check_block(block = operator new[](size_bytes, wide), 256, size_bytes);
        operator delete[](block, wide);
        check_block(block = operator new[](size_bytes, wide), 256, size_bytes);
        operator delete[](block, size_bytes, wide);
        check_block(block = operator new(size_bytes, wide, std::nothrow), 256, size_bytes);
        operator delete(block, wide, std::nothrow);
        check_block(block = operator new[](size_bytes, wide, std::nothrow), 256, size_bytes);
        operator delete[](block, wide, std::nothrow);
    }
    void *one = operator new(0), *other = operator new(0);
    CHECK(one != other);
    operator delete(one);
    operator delete(other);
    operator delete(nullptr);
    operator delete[](nullptr, 10, wide);
}

// A byte more than was asked for costs a class where a size just fits.
static void same_size(void *block, void *plain) {
    CHECK(hak_malloc_usable_size(block) == hak_malloc_usable_size(plain));
    hak_free(plain);
    operator delete(block);
}

static void sizes() {
    static const std::size_t exact_bytes[] = {16, 64, 128, 1024, 4096, 32768, 1 << 16, 1 << 20};
    for (std::size_t size_bytes : exact_bytes) {
        same_size(operator new(size_bytes), hak_malloc(size_bytes));
        same_size(operator new[](size_bytes), hak_malloc(size_bytes));
        same_size(operator new(size_bytes, std::nothrow), hak_malloc(size_bytes));
        same_size(operator new[](size_bytes, std::nothrow), hak_malloc(size_bytes));
        same_size(operator new(size_bytes, wide), hak_memalign(256, size_bytes));
        same_size(operator new[](size_bytes, wide), hak_memalign(256, size_bytes));
        same_size(operator new(size_bytes, wide, std::nothrow), hak_memalign(256, size_bytes));
        same_size(operator new[](size_bytes, wide, std::nothrow), hak_memalign(256, size_bytes));
    }
}

template <typename Form> static bool throws(Form form) {
    try {
        form();
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

static bool all_throw() {
    return throws([] { return operator new(huge_bytes); }) && throws([] { return operator new[](huge_bytes); }) &&
           throws([] { return operator new(huge_bytes, wide); }) &&
           throws([] { return operator new[](huge_bytes, wide); });
}

static bool all_null() {
    return operator new(huge_bytes, std::nothrow) == nullptr &&operator new[](huge_bytes, std::nothrow) ==
           nullptr &&operator new(huge_bytes, wide, std::nothrow) ==
           nullptr &&operator new[](huge_bytes, wide, std::nothrow) == nullptr;
}

static int calls;

static void three_times() {
    if (++calls % 3 == 0) {
        std::set_new_handler(nullptr);
    }
}

static void throwing() {
    calls++;
    throw std::bad_alloc();
}

static bool three_calls(void *(*form)()) {
    calls = 0;
    std::set_new_handler(three_times);
    bool failed;
    try {
        failed = form() == nullptr;
    } catch (const std::bad_alloc &) {
        failed = true;
    }
    std::set_new_handler(nullptr);
    return failed && calls == 3;
}

static void out_of_memory() {
    CHECK(all_throw());
    CHECK(all_null());
    CHECK(three_calls([] { return operator new(huge_bytes); }));
    CHECK(three_calls([] { return operator new[](huge_bytes, wide); }));
    CHECK(three_calls([] { return operator new(huge_bytes, std::nothrow); }));
    CHECK(three_calls([] { return operator new[](huge_bytes, std::nothrow); }));
    CHECK(three_calls([] { return operator new(huge_bytes, wide, std::nothrow); }));
    CHECK(three_calls([] { return operator new[](huge_bytes, wide, std::nothrow); }));

    calls = 0;
    std::set_new_handler(throwing);
    CHECK(all_throw());
    CHECK(calls == 4);
#if !STATIC_RUNTIME // without dynamic libraries this cannot be caught: see allocator/new.c
    CHECK(all_null());
    CHECK(calls == 8);
#endif
    // No handler helps with an alignment that cannot be, so none is asked.
    calls = 0;
    CHECK(throws([] { return operator new(10, std::align_val_t(odd_bytes)); }));
    CHECK(throws([] { return operator new(10, std::align_val_t(no_bytes)); }));
    CHECK(calls == 0);
    std::set_new_handler(nullptr);
    CHECK(operator new(10, std::align_val_t(odd_bytes), std::nothrow) == nullptr);
    CHECK(operator new(10, std::align_val_t(no_bytes), std::nothrow) == nullptr);
}

int main() {
    forms();
    sizes();
    out_of_memory();
    return checks_end("operators");
}
