// late: a C++ plugin of a C program, so that the C++ runtime comes after hakmem. The host is lifetimes.
#include <cstdint>
#include <new>

static volatile std::size_t huge_bytes = PTRDIFF_MAX;
static int calls;

extern "C" int late_throws(void);

// 1: thrown and caught, the handler's exception in a nothrow form included; 0: not.
extern "C" int late_throws(void) {
    int caught = 0;
    try {
        operator delete(operator new(huge_bytes));
    } catch (const std::bad_alloc &) {
        caught++;
    }
    std::set_new_handler([] {
        calls++;
        throw std::bad_alloc();
    });
    if (operator new[](huge_bytes, std::nothrow) == nullptr) {
        caught++;
    }
    std::set_new_handler(nullptr);
    return caught == 2 && calls == 1;
}
