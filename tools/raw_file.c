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

/* Events that a process cannot have: beyond all it wrote, and all its threads may have lost. */
enum { SEQUENCE_SLACK = 1 << 20 };

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
        raw_file_forget(&files->files[i]);
        munmap((void *)(uintptr_t)files->files[i].head, files->files[i].size_bytes);
    }
    free(files->files);
    *files = (struct raw_files){0};
}

/* The next written event of the file from *at on, NULL when there are no more. */
static const struct raw_event *next_event(const struct raw_file *file, uint64_t *at, uint64_t *sequence) {
    uint64_t chunks = file->size_bytes / RAW_CHUNK_BYTES - 1;
    const struct raw_chunk *first = (const struct raw_chunk *)((const char *)file->head + RAW_CHUNK_BYTES);
    for (; *at < chunks * RAW_CHUNK_EVENTS; ++*at) {
        const struct raw_event *event = &first[*at / RAW_CHUNK_EVENTS].events[*at % RAW_CHUNK_EVENTS];
        *sequence = atomic_load_explicit(&event->sequence, memory_order_acquire);
        if (*sequence != 0) {
            ++*at;
            return event;
        }
        /* A thread fills its chunk in order, so the rest of this one is empty: on with the next. */
        *at += RAW_CHUNK_EVENTS - *at % RAW_CHUNK_EVENTS - 1;
    }
    return NULL;
}

bool raw_file_index(struct raw_file *file) {
    uint64_t at = 0, count = 0, last = 0, sequence;
    while (next_event(file, &at, &sequence) != NULL) {
        count++;
        last = sequence > last ? sequence : last;
    }
    uint64_t stopped_at = atomic_load(&file->head->stopped_at);
    if (stopped_at != 0 && last > stopped_at) {
        last = stopped_at;
    }
    if (last > count + SEQUENCE_SLACK) {
        fprintf(stderr, "hakfuzz record: what %s left behind is damaged; was its directory touched?\n", file->program);
        return false;
    }
    file->events = calloc(last + 1, sizeof *file->events);
    if (file->events == NULL) {
        fprintf(stderr, "hakfuzz record: there is no memory to sort the %llu operations of %s\n",
                (unsigned long long)last, file->program);
        return false;
    }
    file->last_sequence = last;
    for (at = 0;;) {
        const struct raw_event *event = next_event(file, &at, &sequence);
        if (event == NULL) {
            return true;
        }
        if (sequence <= last) {
            file->events[sequence] = event;
        }
    }
}

void raw_file_forget(struct raw_file *file) {
    free(file->events);
    file->events = NULL;
}
