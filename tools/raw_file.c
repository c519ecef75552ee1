/* raw_file: see the header. Processes may still run and write: what is there when it is looked at counts. */
#include "tools/raw_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool map_file(struct raw_file *file, int directory, const char *name) {
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat status;
    void *mapped = MAP_FAILED;
    *file = (struct raw_file){0};
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size >= RAW_CHUNK_BYTES) {
        file->size_bytes = (size_t)status.st_size / RAW_CHUNK_BYTES * RAW_CHUNK_BYTES;
        mapped = mmap(NULL, file->size_bytes, PROT_READ, MAP_SHARED, fd, 0);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (mapped == MAP_FAILED) {
        return false;
    }
    file->head = mapped;
    if (file->head->magic != RAW_MAGIC) {
        munmap(mapped, file->size_bytes);
        return false;
    }
    memcpy(file->program, file->head->program, RAW_NAME_BYTES);
    const char *dash = strrchr(name, '-');
    file->file = dash != NULL ? strtoull(dash + 1, NULL, 10) : 0;
    return true;
}

static int compare_start(const void *a, const void *b) {
    const struct raw_head *x = ((const struct raw_file *)a)->head, *y = ((const struct raw_file *)b)->head;
    if (x->started_ns != y->started_ns) {
        return x->started_ns < y->started_ns ? -1 : 1;
    }
    return (x->pid > y->pid) - (x->pid < y->pid);
}

static void find_parents(struct raw_files *files) {
    for (size_t i = 0; i < files->count; i++) {
        struct raw_file *file = &files->files[i];
        for (size_t j = i; j-- > 0 && file->head->parent_pid != 0 && file->parent == NULL;) {
            const struct raw_file *other = &files->files[j];
            if (other->head->pid == file->head->parent_pid && other->file == file->head->parent_file) {
                file->parent = other;
            }
        }
    }
}

bool raw_files_open(struct raw_files *files, const char *directory) {
    DIR *listing = opendir(directory);
    *files = (struct raw_files){0};
    if (listing == NULL) {
        fprintf(stderr, "hakfuzz record: cannot read %s: %s\n", directory, strerror(errno));
        return false;
    }
    size_t capacity = 0;
    const struct dirent *entry;
    while ((entry = readdir(listing)) != NULL) {
        if (strncmp(entry->d_name, RAW_PREFIX, sizeof RAW_PREFIX - 1) != 0) {
            continue;
        }
        if (files->count == capacity) {
            capacity = 2 * capacity + 16;
            struct raw_file *more = realloc(files->files, capacity * sizeof *more);
            if (more == NULL) {
                break;
            }
            files->files = more;
        }
        files->count += map_file(&files->files[files->count], dirfd(listing), entry->d_name);
    }
    closedir(listing);
    if (files->count > 0) {
        qsort(files->files, files->count, sizeof *files->files, compare_start);
    }
    find_parents(files);
    return true;
}

void raw_files_close(struct raw_files *files) {
    for (size_t i = 0; i < files->count; i++) {
        free(files->files[i].cursors);
        munmap((void *)(uintptr_t)files->files[i].head, files->files[i].size_bytes);
    }
    free(files->files);
    *files = (struct raw_files){0};
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static uint64_t get_packed(struct raw_cursor *cursor) {
    uint64_t number = 0;
    for (unsigned shift = 0; cursor->at < cursor->end && shift < 64; shift += RAW_BITS) {
        uint8_t byte = *cursor->at++;
        number |= (uint64_t)(byte & (RAW_MORE - 1)) << shift;
        if ((byte & RAW_MORE) == 0) {
            break;
        }
    }
    return number;
}

/* Read the next event of a chunk; false at its end. */
static bool advance(struct raw_cursor *cursor) {
    struct raw_event *event = &cursor->event;
    while (cursor->at < cursor->end) {
        uint8_t first = *cursor->at++;
        event->kind = (enum raw_kind)(first & RAW_KIND);
        if (event->kind == RAW_THREAD) {
            event->thread = (uint32_t)get_packed(cursor);
            event->sequence = 0;
            cursor->address = 0;
            continue;
        }
        event->sequence += (first & RAW_NEXT) != 0 ? 1 : get_packed(cursor);
        uint64_t step = get_packed(cursor);
        cursor->address += step >> 1 ^ (0 - (step & 1));
        event->block = (first & RAW_ODD) != 0 ? cursor->address : cursor->address << RAW_GRAIN_SHIFT;
        event->size_bytes = raw_has_size(event->kind) ? get_packed(cursor) : 0;
        event->align_shift = raw_is_aligned(event->kind) && cursor->at < cursor->end ? *cursor->at++ : 0;
        return true;
    }
    return false;
}

/* Let a cursor that may be too far up in the heap sink to its place. */
static void sink(struct raw_file *file, size_t at) {
    struct raw_cursor *heap = file->cursors;
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < file->cursor_count; child++) {
            least = heap[child].event.sequence < heap[least].event.sequence ? child : least;
        }
        if (least == at) {
            return;
        }
        struct raw_cursor moved = heap[at];
        heap[at] = heap[least];
        heap[least] = moved;
        at = least;
    }
}

bool raw_file_rewind(struct raw_file *file) {
    size_t chunks = file->size_bytes / RAW_CHUNK_BYTES - 1;
    const struct raw_chunk *first = (const struct raw_chunk *)((const char *)file->head + RAW_CHUNK_BYTES);
    free(file->cursors);
    file->cursor_count = 0;
    file->cursors = calloc(chunks + 1, sizeof *file->cursors);
    if (file->cursors == NULL) {
        fprintf(stderr, "hakfuzz record: there is no memory to sort what %s did\n", file->program);
        return false;
    }
    for (size_t i = 0; i < chunks; i++) {
        uint64_t used = atomic_load_explicit(&first[i].used, memory_order_acquire);
        struct raw_cursor *cursor = &file->cursors[file->cursor_count];
        *cursor = (struct raw_cursor){.at = first[i].bytes, .end = first[i].bytes};
        cursor->end += used < sizeof first[i].bytes ? used : sizeof first[i].bytes;
        file->cursor_count += advance(cursor);
    }
    for (size_t i = file->cursor_count / 2 + 1; i-- > 0;) {
        sink(file, i);
    }
    return true;
}

bool raw_file_next(struct raw_file *file, struct raw_event *event) {
    uint64_t stopped_at = atomic_load(&file->head->stopped_at);
    if (file->cursor_count == 0 || (stopped_at != 0 && file->cursors[0].event.sequence > stopped_at)) {
        return false;
    }
    *event = file->cursors[0].event;
    if (!advance(&file->cursors[0])) {
        file->cursors[0] = file->cursors[--file->cursor_count];
    }
    sink(file, 0);
    return true;
}
