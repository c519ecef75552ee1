/* raw_merge: see the header.
 *
 * A process is walked in the order of its events, with a table of what is live at which address. Where a child was
 * forked, the walk goes down into the child, whose recording begins with what is live there. So there is one table for
 * each generation.
 *
 * A recorder misses what happens in signal handlers inside malloc, and blocks of mallocs it does not sit in front of.
 * So nothing is taken for granted: a free of nothing is left out, a block at the address of a live one implies its
 * free. */
#include "tools/raw_merge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/raw_live.h"
#include "tools/terminal.h"

/* By number in the raw file. */
struct raw_thread {
    uint32_t number; /* in the recording, from 1; 0: not seen yet */
    bool pending;    /* in realloc */
    bool known;      /* of what: `block` */
    struct raw_block block;
    uint64_t last; /* its last event but ends */
};

struct merge {
    struct raw_files *files;
    struct raw_merged *merged;
    struct raw_file *file;
    struct raw_merged *out;
    struct recording_writer *writer;
    struct raw_live live;
    struct raw_thread *threads;
    size_t thread_count;
    uint32_t numbered;
    uint32_t objects;
    uint64_t events;
};

enum { PROGRESS_EVENTS = 1 << 16 };

static bool merge_process(struct raw_files *files, struct raw_merged *merged, size_t index,
                          const struct raw_live *inherited);

static uint32_t number_of(struct merge *merge, struct raw_thread *thread) {
    if (thread->number == 0) {
        thread->number = ++merge->numbered;
    }
    return thread->number - 1;
}

static bool make(struct merge *merge, uint32_t thread, struct raw_block block) {
    block.object = merge->objects++;
    recording_put(merge->writer, &(struct recording_op){.kind = (enum recording_kind)block.kind,
                                                        .thread = thread,
                                                        .align_shift = block.align_shift,
                                                        .size_bytes = block.size_bytes});
    return raw_live_put(&merge->live, &block);
}

static void end(struct merge *merge, uint32_t thread, enum recording_kind kind, uint32_t object) {
    recording_put(merge->writer, &(struct recording_op){.kind = kind, .thread = thread, .object = object});
}

/* Whatever is live at an address that is given out must have been freed. */
static void imply_free(struct merge *merge, uint32_t thread, uint64_t address) {
    struct raw_block block;
    if (raw_live_take(&merge->live, address, &block)) {
        end(merge, thread, RECORDING_FREE, block.object);
        merge->out->implied++;
    }
}

static bool realloc_done(struct merge *merge, struct raw_thread *thread, const struct raw_event *event) {
    if (!thread->pending) {
        return true;
    }
    thread->pending = false;
    uint32_t number = number_of(merge, thread);
    if (event->block == 0) {
        if (thread->known && event->size_bytes == 0) {
            end(merge, number, RECORDING_FREE, thread->block.object);
        } else if (thread->known) { /* it failed: the block is where it was */
            return raw_live_put(&merge->live, &thread->block);
        }
        return true;
    }
    imply_free(merge, number, event->block);
    struct raw_block block = thread->block;
    block.address = event->block;
    block.size_bytes = event->size_bytes;
    if (!thread->known) {
        block.kind = RECORDING_MALLOC;
        block.align_shift = 0;
        return make(merge, number, block);
    }
    recording_put(merge->writer, &(struct recording_op){.kind = RECORDING_REALLOC,
                                                        .thread = number,
                                                        .object = block.object,
                                                        .size_bytes = block.size_bytes});
    block.kind = RECORDING_MALLOC; /* as a child of fork would make it */
    block.align_shift = 0;
    return raw_live_put(&merge->live, &block);
}

static bool merge_event(struct merge *merge, const struct raw_event *event) {
    static const uint8_t kinds[RAW_KIND_COUNT] = {
        [RAW_MALLOC] = RECORDING_MALLOC,
        [RAW_CALLOC] = RECORDING_CALLOC,
        [RAW_ALIGNED_ALLOC] = RECORDING_ALIGNED_ALLOC,
        [RAW_POSIX_MEMALIGN] = RECORDING_POSIX_MEMALIGN,
        [RAW_MEMALIGN] = RECORDING_MEMALIGN,
        [RAW_FREE] = RECORDING_FREE,
        [RAW_FREE_SIZED] = RECORDING_FREE_SIZED,
    };
    struct raw_thread *thread = &merge->threads[event->thread];
    struct raw_block block;
    switch (event->kind) {
    case RAW_MALLOC:
    case RAW_CALLOC:
    case RAW_ALIGNED_ALLOC:
    case RAW_POSIX_MEMALIGN:
    case RAW_MEMALIGN:
        imply_free(merge, number_of(merge, thread), event->block);
        return make(merge, number_of(merge, thread),
                    (struct raw_block){event->block, event->size_bytes, 0, kinds[event->kind], event->align_shift});
    case RAW_FREE:
    case RAW_FREE_SIZED:
        if (raw_live_take(&merge->live, event->block, &block)) {
            end(merge, number_of(merge, thread), (enum recording_kind)kinds[event->kind], block.object);
        } else {
            merge->out->unknown++;
        }
        return true;
    case RAW_REALLOC:
        thread->pending = true;
        thread->known = raw_live_take(&merge->live, event->block, &thread->block);
        merge->out->unknown += !thread->known;
        return true;
    case RAW_REALLOC_DONE:
        return realloc_done(merge, thread, event);
    case RAW_THREAD_END:
        if (event->sequence > thread->last && thread->number != 0) {
            end(merge, number_of(merge, thread), RECORDING_THREAD_END, 0);
        }
        return true;
    case RAW_NONE:
    case RAW_THREAD:
    case RAW_KIND_COUNT:
        break;
    }
    return true;
}

/* How many there are, and which event is each one's last. */
static bool find_threads(struct merge *merge) {
    struct raw_event event;
    size_t capacity = 0;
    merge->thread_count = 1;
    if (!raw_file_rewind(merge->file)) {
        return false;
    }
    do {
        if (merge->thread_count > capacity) {
            size_t more = 2 * merge->thread_count + 16;
            struct raw_thread *grown = realloc(merge->threads, more * sizeof *grown);
            if (grown == NULL) {
                fprintf(stderr, "hakfuzz record: there is no memory for the threads of %s\n", merge->file->program);
                return false;
            }
            memset(grown + capacity, 0, (more - capacity) * sizeof *grown);
            merge->threads = grown;
            capacity = more;
        }
        bool more = raw_file_next(merge->file, &event);
        if (!more) {
            return raw_file_rewind(merge->file);
        }
        merge->events++;
        if (event.thread < merge->thread_count) {
            merge->threads[event.thread].last =
                event.kind != RAW_THREAD_END ? event.sequence : merge->threads[event.thread].last;
        } else if (event.thread < RECORDING_THREADS_MAX) {
            merge->thread_count = (size_t)event.thread + 1;
        }
    } while (true);
}

static bool inherit(struct merge *merge, const struct raw_live *inherited) {
    struct raw_block *list = inherited != NULL ? raw_live_list(inherited) : NULL;
    bool good = list != NULL || inherited == NULL || inherited->count == 0;
    for (size_t i = 0; list != NULL && good && i < inherited->count; i++) {
        good = make(merge, number_of(merge, &merge->threads[0]), list[i]);
    }
    free(list);
    return good;
}

/* Children that were forked when `sequence` was the last event. */
static bool merge_children(struct merge *merge, uint64_t sequence, size_t *next) {
    for (; *next < merge->files->count; ++*next) {
        const struct raw_file *child = &merge->files->files[*next];
        if (child->parent == merge->file) {
            if (child->head->parent_sequence > sequence) {
                return true;
            }
            if (!merge_process(merge->files, merge->merged, *next, &merge->live)) {
                return false;
            }
        }
    }
    return true;
}

/* Children are in the order they began, which may differ from the order they were forked in by a little: what is live
 * then is that of a moment later. */
static bool walk(struct merge *merge) {
    struct raw_event event;
    size_t next_child = 0;
    uint64_t done = 0, last = 0;
    while (raw_file_next(merge->file, &event)) {
        if (++done % PROGRESS_EVENTS == 0) {
            if (interrupted()) {
                fprintf(stderr, "hakfuzz record: interrupted; %s is no recording\n", merge->out->path);
                return false;
            }
            progress("%s: %llu of %llu events", merge->file->program, (unsigned long long)done,
                     (unsigned long long)merge->events);
        }
        if (next_child < merge->files->count && !merge_children(merge, event.sequence - 1, &next_child)) {
            return false;
        }
        merge->out->missing += event.sequence - last - 1;
        last = event.sequence;
        if (event.thread < merge->thread_count && !merge_event(merge, &event)) {
            fprintf(stderr, "hakfuzz record: there is no memory for what is live in %s\n", merge->file->program);
            return false;
        }
    }
    return merge_children(merge, UINT64_MAX, &next_child);
}

static bool merge_process(struct raw_files *files, struct raw_merged *merged, size_t index,
                          const struct raw_live *inherited) {
    struct raw_merged *out = &merged[index];
    struct merge merge = {.files = files, .merged = merged, .file = &files->files[index], .out = out};
    const struct raw_head *head = merge.file->head;
    out->pid = head->pid;
    out->forked_from = head->parent_pid;
    out->stopped_at = atomic_load(&head->stopped_at);
    out->stopped_error = (int)atomic_load(&head->stopped_error);
    snprintf(out->head.program, sizeof out->head.program, "%.*s", (int)sizeof out->head.program - 1,
             merge.file->program);
    out->head.inherited = inherited != NULL ? inherited->count : 0;
    merge.writer = recording_create(out->path, &out->head);
    if (merge.writer == NULL) {
        fprintf(stderr, "hakfuzz record: cannot write %s: %s; give another -o FILE\n", out->path, strerror(errno));
        return false;
    }
    bool good = find_threads(&merge) && inherit(&merge, inherited) && walk(&merge);
    if (!recording_finish(merge.writer, &out->totals) && good) {
        fprintf(stderr, "hakfuzz record: cannot write %s: %s; what was written is no recording\n", out->path,
                strerror(errno));
        good = false;
    }
    raw_live_free(&merge.live);
    free(merge.threads);
    return good;
}

/* "python.hakrec" for the first, "python.2-sh.hakrec" for the second, which was sh. */
static char *name_recording(const char *path, size_t index, const char *program) {
    char *name = NULL;
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    if (dot == NULL || (slash != NULL && dot < slash)) {
        dot = path + strlen(path);
    }
    int length = index == 0 ? asprintf(&name, "%s", path)
                            : asprintf(&name, "%.*s.%zu-%s%s", (int)(dot - path), path, index + 1, program, dot);
    return length < 0 ? NULL : name;
}

bool raw_merge(struct raw_files *files, const char *path, struct raw_merged **merged) {
    *merged = calloc(files->count + 1, sizeof **merged);
    bool good = *merged != NULL;
    for (size_t i = 0; good && i < files->count; i++) {
        (*merged)[i].path = name_recording(path, i, files->files[i].program);
        good = (*merged)[i].path != NULL;
    }
    for (size_t i = 0; good && i < files->count; i++) {
        if (files->files[i].parent == NULL) {
            good = merge_process(files, *merged, i, NULL);
        }
    }
    return good;
}

void raw_merged_free(struct raw_merged *merged, size_t count) {
    for (size_t i = 0; merged != NULL && i < count; i++) {
        free(merged[i].path);
    }
    free(merged);
}
