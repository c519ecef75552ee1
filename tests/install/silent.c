/* silent: names no function of an allocator, and must still run with the one it was linked with. */
#include <stdio.h>

int main(void) {
    puts("silent: good");
    return 0;
}
