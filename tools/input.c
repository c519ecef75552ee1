/* input: reads a bounded number of bytes from anything that can be opened, then decides what they are.
 *
 * A path may be a pipe without a writer, a device that never ends or a directory: each gets an answer in bounded time
 * and memory. */
#include "tools/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oracle/program.h"
#include "oracle/text.h"

enum { WRITER_WAIT_MS = 5000 };

static const char *shown(const char *path) {
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

static bool complain(const char *path, const char *problem, const char *way_out) {
    fprintf(stderr, "hakfuzz: %s: %s; %s\n", shown(path), problem, way_out);
    return false;
}

/* Opened without blocking: a FIFO is then waited for, but not for ever. */
static int open_path(const char *path) {
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        complain(path, strerror(errno), "give a readable file with a program, or '-' for standard input");
        return -1;
    }
    struct stat status = {0};
    if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
        complain(path, "is a directory", "give a file, or use 'hakfuzz run' for all files below it");
        close(fd);
        return -1;
    }
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (S_ISFIFO(status.st_mode) && poll(&wait, 1, WRITER_WAIT_MS) == 0) {
        complain(path, "is a pipe that nobody writes to", "start its writer first");
        close(fd);
        return -1;
    }
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0) {
        fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    }
    return fd;
}

/* Read to the end, at most capacity. Returns the bytes read or -1 with errno. */
static ssize_t read_bounded(int fd, uint8_t *bytes, size_t capacity) {
    size_t have = 0;
    while (have < capacity) {
        ssize_t got = read(fd, bytes + have, capacity - have);
        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            return -1;
        }
        have += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)have;
}

/* The whole content, in a block with one byte to spare so that it is never of size 0. */
static bool read_all(const char *path, struct input *raw) {
    bool standard_input = strcmp(path, "-") == 0;
    if (standard_input && isatty(STDIN_FILENO)) {
        fputs("hakfuzz: reading a program from the terminal; end it with Ctrl-D\n", stderr);
    }
    int fd = standard_input ? STDIN_FILENO : open_path(path);
    if (fd < 0) {
        return false;
    }
    size_t capacity = (size_t)INPUT_TEXT_BYTES_MAX + 1;
    raw->bytes = malloc(capacity);
    ssize_t got = raw->bytes != NULL ? read_bounded(fd, raw->bytes, capacity) : -1;
    int error = errno;
    if (!standard_input) {
        close(fd);
    }
    if (got < 0) {
        free(raw->bytes);
        return complain(path, strerror(error), "give a readable file with a program, or '-' for standard input");
    }
    raw->size_bytes = (size_t)got;
    uint8_t *fitted = realloc(raw->bytes, raw->size_bytes + 1);
    raw->bytes = fitted != NULL ? fitted : raw->bytes;
    return true;
}

static bool assemble(const char *path, enum input_form form, struct input *raw) {
    if (raw->size_bytes > INPUT_TEXT_BYTES_MAX) {
        return complain(path, "text is longer than 4 MiB",
                        "the longest program needs less than 1 MiB; is it the right file?");
    }
    struct text_error error = {0};
    size_t size_bytes = 0;
    uint8_t *bytes = text_assemble((const char *)raw->bytes, raw->size_bytes, &size_bytes, &error);
    if (bytes == NULL) {
        fprintf(stderr, "%s:%u:%u: %s\n", strcmp(path, "-") == 0 ? "<stdin>" : path, error.line, error.column,
                error.message);
        if (form == INPUT_EITHER) {
            fprintf(stderr,
                    "hakfuzz: %s begins like text form; if it holds bytes, make text of it: hakfuzz disasm %s -o OUT\n",
                    shown(path), path);
        }
        return false;
    }
    free(raw->bytes);
    raw->bytes = bytes;
    raw->size_bytes = size_bytes;
    return true;
}

static bool accept_bytes(const char *path, enum input_form form, const struct input *raw) {
    if (raw->size_bytes > PROGRAM_BYTES_MAX) {
        fprintf(stderr,
                "hakfuzz: %s: %s%zu bytes, but a program has at most %d; is it the right file? "
                "To use its beginning: head -c %d FILE > OUT\n",
                shown(path), raw->size_bytes > INPUT_TEXT_BYTES_MAX ? "more than " : "",
                raw->size_bytes > INPUT_TEXT_BYTES_MAX ? (size_t)INPUT_TEXT_BYTES_MAX : raw->size_bytes,
                PROGRAM_BYTES_MAX, PROGRAM_BYTES_MAX);
        return false;
    }
    if (form == INPUT_BYTES && text_looks_like(raw->bytes, raw->size_bytes)) {
        fprintf(stderr, "hakfuzz: note: %s looks like text form already; it is taken as bytes here\n", shown(path));
    }
    return true;
}

bool input_load(const char *path, enum input_form form, struct input *input) {
    struct input raw = {0};
    if (!read_all(path, &raw)) {
        return false;
    }
    bool as_text = form == INPUT_TEXT || (form == INPUT_EITHER && text_looks_like(raw.bytes, raw.size_bytes));
    if (!(as_text ? assemble(path, form, &raw) : accept_bytes(path, form, &raw))) {
        free(raw.bytes);
        return false;
    }
    struct program program;
    program_read(&program, raw.bytes, raw.size_bytes);
    if (program.record_count == 0) {
        fprintf(stderr, "hakfuzz: note: %s: empty program: 0 records\n", shown(path));
    }
    *input = raw;
    return true;
}

void input_free(struct input *input) {
    free(input->bytes);
    input->bytes = NULL;
    input->size_bytes = 0;
}
