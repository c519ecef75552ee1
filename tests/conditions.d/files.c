/* files: a program that is started with no standard descriptors, and whose data file becomes number 2. What the
 * allocator has to say must not go there. Usage: files WORK, with 0, 1 and 2 closed
 *
 *   closed   makes mistakes while 2 is closed, and ends
 *   data     opens its data as 0, 1 and 2, makes mistakes, and finds its data as they were
 *   reopen   opens a log for appending as 2: there it is told
 * Ends with 0 when all is well; it has no other way to say so. */
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/conditions.d/common.h"

/* Standard error may not be there: tests of this file end with their line instead. */
#define expect(condition) ((condition) ? (void)0 : _exit(__LINE__ % 100 + 100))

static void go_wrong(void) {
    static _Alignas(16) char no_block[64];
    void *volatile wrong = no_block + 16;
    for (unsigned i = 0; i < 20; i++) {
        free(wrong);
    }
    char *volatile block = malloc(100);
    expect(block != NULL);
    block[99] = 1;
    free(block);
}

static const char data[] = "what the program keeps\n";

static void open_data(int wanted) {
    char name[] = "data0";
    name[4] = (char)('0' + wanted);
    expect(open(name, O_RDWR | O_CREAT | O_TRUNC, 0600) == wanted);
    expect(write(wanted, data, sizeof data) == (ssize_t)sizeof data);
}

static void closed_work(void) {
    expect(fcntl(STDERR_FILENO, F_GETFD) == -1);
    go_wrong();
}

static void data_work(void) {
    for (int file = 0; file < 3; file++) {
        open_data(file);
    }
    go_wrong();
    for (int file = 0; file < 3; file++) {
        char text[2 * sizeof data];
        expect(pread(file, text, sizeof text, 0) == (ssize_t)sizeof data && memcmp(text, data, sizeof data) == 0);
    }
}

static void reopen_work(void) {
    open_data(0);
    open_data(1);
    expect(open("log", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600) == STDERR_FILENO);
    go_wrong();
    struct stat status;
    expect(fstat(STDERR_FILENO, &status) == 0 && status.st_size > 0);
}

int main(int count, char **arguments) {
    if (hak_stats_text == NULL) {
        return NOT_OURS;
    }
    expect(count == 2);
    if (strcmp(arguments[1], "closed") == 0) {
        closed_work();
    } else if (strcmp(arguments[1], "data") == 0) {
        data_work();
    } else {
        expect(strcmp(arguments[1], "reopen") == 0);
        reopen_work();
    }
    return 0;
}
