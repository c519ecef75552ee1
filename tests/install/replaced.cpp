// replaced: a program that replaces only the plain forms of new and delete. The standard has all other forms use them,
// whatever library defines the others. A header in front of each block makes mixing them up fatal.
#include <cstdlib>
#include <new>

#include "check.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wsized-deallocation" // leaving it out is what is tested
#endif

static int made, gone;
static const std::size_t front_bytes = 64;

void *operator new(std::size_t size_bytes) {
    char *block = size_bytes > 1000000 ? nullptr : static_cast<char *>(std::malloc(size_bytes + front_bytes));
    if (block == nullptr) {
        throw std::bad_alloc();
    }
    made++;
    return block + front_bytes;
}

void operator delete(void *block) noexcept {
    if (block != nullptr) {
        gone++;
        std::free(static_cast<char *>(block) - front_bytes);
    }
}

int main() {
    operator delete[](operator new[](10));
    CHECK(made == 1 && gone == 1);
    operator delete(operator new(10), std::size_t(10));
    CHECK(made == 2 && gone == 2);
    operator delete[](operator new[](10), std::size_t(10));
    CHECK(made == 3 && gone == 3);
    operator delete(operator new(10, std::nothrow), std::nothrow);
    CHECK(made == 4 && gone == 4);
    operator delete[](operator new[](10, std::nothrow), std::nothrow);
    CHECK(made == 5 && gone == 5);
    CHECK(operator new(2000000, std::nothrow) == nullptr);
    CHECK(operator new[](2000000, std::nothrow) == nullptr);
    CHECK(made == 5 && gone == 5);
    return checks_end("replaced");
}
