/* input: reads a bounded number of bytes from anything that can be opened, then decides what they are.
 *
 * A path may be a pipe without a writer, a device that never ends or a directory: each gets an answer in bounded time
 * and memory. */
#include "oracle/input.h"

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

static const char not_readable[] = "give a readable file with a program, or '-' for standard input";

/* "hakfuzz: 'path': " in front of a message; quotes, because a name may be empty or end in a blank. */
static void begin_message(const char *path) {
    bool standard_input = strcmp(path, "-") == 0;
    const char *quote = standard_input ? "" : "'";
    fprintf(stderr, "%s: %s%s%s: ", program_invocation_short_name, quote, standard_input ? "standard input" : path,
            quote);
}

bool input_complain(const char *path, const char *problem, const char *way_out) {
    begin_message(path);
    fprintf(stderr, "%s; %s\n", problem, way_out);
    return false;
}

/* Opened without blocking: a FIFO is then waited for, but not for ever. */
static int open_path(const char *path) {
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        input_complain(path, strerror(errno), not_readable);
        return -1;
    }
    struct stat status = {0};
    if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
        input_complain(path, "is a directory", "give a file, or use 'hakfuzz run' for all files below it");
        close(fd);
        return -1;
    }
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (S_ISFIFO(status.st_mode) && poll(&wait, 1, WRITER_WAIT_MS) == 0) {
        input_complain(path, "is a pipe that nobody writes to", "start its writer first");
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

/* The whole content, with a NUL behind it. */
static bool read_all(const char *path, struct input *raw) {
    bool standard_input = strcmp(path, "-") == 0;
    if (standard_input && isatty(STDIN_FILENO)) {
        fprintf(stderr, "%s: reading a program from the terminal; end it with Ctrl-D\n", program_invocation_short_name);
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
        return input_complain(path, strerror(error), not_readable);
    }
    raw->size_bytes = (size_t)got;
    uint8_t *fitted = realloc(raw->bytes, raw->size_bytes + 1);
    raw->bytes = fitted != NULL ? fitted : raw->bytes;
    raw->bytes[raw->size_bytes] = '\0';
    return true;
}

/* ---- what it is -------------------------------------------------------------------------------------------------- */

size_t utf8_sequence_bytes(const char *text) {
    const unsigned char *bytes = (const unsigned char *)text;
    size_t length = bytes[0] < 0x80   ? 1
                    : bytes[0] < 0xc2 ? 0
                    : bytes[0] < 0xe0 ? 2
                    : bytes[0] < 0xf0 ? 3
                    : bytes[0] < 0xf5 ? 4
                                      : 0;
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

static bool is_printable(unsigned char c) {
    return (c >= ' ' && c != 0x7f) || memchr("\t\n\v\f\r", c, 5) != NULL;
}

/* Whether a person can have typed all of it: UTF-8 without control characters, and not only blanks. */
static bool is_plain(const struct input *raw) {
    bool inked = false;
    for (size_t i = 0; i < raw->size_bytes;) {
        const char *at = (const char *)raw->bytes + i;
        size_t length = utf8_sequence_bytes(at);
        if (length == 0 || !is_printable((unsigned char)*at)) {
            return false;
        }
        inked = inked || strchr(" \t\n\v\f\r", *at) == NULL;
        i += length;
    }
    return inked;
}

/* Plain ASCII, each character in two bytes, the lower one first or second. */
static bool is_utf16(const struct input *raw) {
    enum { CERTAIN_BYTES = 12 }; /* "hakmem"; shorter ones need a byte order mark */
    for (unsigned low = 0; low < 2; low++) {
        const uint8_t *bytes = raw->bytes;
        size_t at = raw->size_bytes >= 2 && bytes[low] == 0xff && bytes[1 - low] == 0xfe ? 2 : 0;
        bool wide = raw->size_bytes % 2 == 0 && raw->size_bytes > at && (at > 0 || raw->size_bytes >= CERTAIN_BYTES);
        for (; wide && at < raw->size_bytes; at += 2) {
            wide = bytes[at + 1 - low] == 0 && bytes[at + low] < 0x80 && is_printable(bytes[at + low]);
        }
        if (wide) {
            return true;
        }
    }
    return false;
}

static bool has_text_name(const char *path) {
    static const char suffix[] = ".hak";
    size_t length = strlen(path);
    return length >= sizeof suffix && strcmp(path + length - (sizeof suffix - 1), suffix) == 0;
}

static bool is_text(const char *path, const struct input *raw) {
    return text_looks_like(raw->bytes, raw->size_bytes) || has_text_name(path) || is_plain(raw);
}

/* ---- text form ----------------------------------------------------------------------------------------------------
 */

/* Where text was a guess, what to do if the guess is wrong. */
static void print_other_way(const char *path, const struct input *raw) {
    if (!text_looks_like(raw->bytes, raw->size_bytes)) {
        begin_message(path);
        fputs("was taken for text form, which begins with the word hakmem; ", stderr);
    } else if (!is_plain(raw)) {
        begin_message(path);
        fputs("begins like text form; ", stderr);
    } else {
        return;
    }
    fprintf(stderr, "if it holds bytes, make text of it: hakfuzz disasm %s -o OUT.hak\n", path);
}

static bool assemble(const char *path, enum input_form form, struct input *raw) {
    if (raw->size_bytes > INPUT_TEXT_BYTES_MAX) {
        return input_complain(path, "text is longer than 4 MiB",
                              "the longest program needs less than 1 MiB; is it the right file?");
    }
    if (is_utf16(raw)) {
        return input_complain(path, "is UTF-16 text", "save it as UTF-8: iconv -f UTF-16 -t UTF-8 IN > OUT");
    }
    struct text_error error = {0};
    size_t size_bytes = 0;
    uint8_t *bytes = text_assemble((const char *)raw->bytes, raw->size_bytes, &size_bytes, &error);
    if (bytes == NULL) {
        fprintf(stderr, "%s:%u:%u: %s\n", strcmp(path, "-") == 0 ? "<stdin>" : path, error.line, error.column,
                error.message);
        if (form == INPUT_EITHER) {
            print_other_way(path, raw);
        }
        return false;
    }
    free(raw->bytes);
    raw->bytes = bytes;
    raw->size_bytes = size_bytes;
    if (size_bytes >= PROGRAM_HEADER_BYTES && bytes[0] > PROGRAM_VERSION) {
        begin_message(path);
        fprintf(stderr, "note: written for version %u of the program format; this tool knows version %d only\n",
                bytes[0], PROGRAM_VERSION);
    }
    return true;
}

/* ---- bytes --------------------------------------------------------------------------------------------------------
 */

static bool accept_bytes(const char *path, enum input_form form, const struct input *raw) {
    if (raw->size_bytes > PROGRAM_BYTES_MAX) {
        bool cut = raw->size_bytes > INPUT_TEXT_BYTES_MAX;
        begin_message(path);
        fprintf(stderr,
                "%s%zu bytes, but a program has at most %d; is it the right file? "
                "To use its beginning: head -c %d FILE > OUT\n",
                cut ? "more than " : "", cut ? (size_t)INPUT_TEXT_BYTES_MAX : raw->size_bytes, PROGRAM_BYTES_MAX,
                PROGRAM_BYTES_MAX);
        return false;
    }
    if (form == INPUT_NO_TEXT && (is_utf16(raw) || is_text(path, raw))) {
        return input_complain(path, "is text, and the engine takes it as it is",
                              "make bytes of it (hakfuzz asm IN -o OUT), or run it with 'hakfuzz repro'");
    }
    if (form == INPUT_BYTES && text_looks_like(raw->bytes, raw->size_bytes)) {
        begin_message(path);
        fputs("note: looks like text form already; it is taken as bytes here\n", stderr);
    }
    return true;
}

bool input_load(const char *path, enum input_form form, struct input *input) {
    struct input raw = {0};
    if (!read_all(path, &raw)) {
        return false;
    }
    bool as_text = form == INPUT_TEXT || (form == INPUT_EITHER && (is_utf16(&raw) || is_text(path, &raw)));
    if (!(as_text ? assemble(path, form, &raw) : accept_bytes(path, form, &raw))) {
        free(raw.bytes);
        return false;
    }
    struct program program;
    program_read(&program, raw.bytes, raw.size_bytes);
    if (program.record_count == 0) {
        begin_message(path);
        fputs("note: empty program: 0 records\n", stderr);
    }
    *input = raw;
    return true;
}

void input_free(struct input *input) {
    free(input->bytes);
    input->bytes = NULL;
    input->size_bytes = 0;
}
