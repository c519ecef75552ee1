/* small: a file with one place for each operator of tools/mutants, and what must be left alone. It is only read. */
#include <stdbool.h>
#include <stddef.h>

#define hak_assert(condition) ((void)(condition))
#define HAK_FAULT(name) (false)
#define hak_load(object, order) (*(object))
#define TWICE(x) ((x) + (x))

void noted(size_t first, size_t second);

static const int limits[] = {7};

int small(const int *shared, int count, bool on) {
    hak_assert(count < 100);
    if (HAK_FAULT(NOTHING)) {
        count += 3;
    }
    int sum = hak_load(shared, acquire);
    if (on && count > 0) {
        sum -= limits[count];
    }
    if (on) {
        noted((size_t)sum, (size_t)count);
    }
    for (; count != 0; count--) {
        sum |= TWICE(count & 1);
    }
    return !on ? sum : count;
}
