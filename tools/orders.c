/* orders: see the header. A program runs as it is but on weak memory, then walked at random with a few seeds. */
#include "tools/orders.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "oracle/files.h"
#include "oracle/mutate.h"
#include "oracle/world.h"
#include "tools/choice.h"
#include "tools/guard.h"

enum { WALKS = 4, RECORDS = 48, GENERATED_BYTES_MAX = 4096, OOM_ONE_IN = 8 };

/* --- rows --- */

static void row_add(struct orders *orders, const char *part, uint32_t number, struct shim_mutant mutant,
                    uint8_t weakened, bool failing) {
    const struct hak_site *site = site_at(number);
    struct orders_row *row = &orders->rows[orders->row_count];
    site_text(site, row->site, sizeof row->site);
    if (part != NULL && strstr(row->site, part) == NULL) {
        return;
    }
    row->mutant = mutant;
    row->weakened = site_order_name(weakened);
    snprintf(row->order, sizeof row->order, "%s%s", failing ? "failing " : "",
             site_order_name(failing ? site->failure : site->order));
    orders->row_count++;
}

/* The orders just below one, as enum memory_order; 0 to 2 of them. */
static unsigned below(const struct hak_site *site, uint8_t order, uint8_t weaker[2]) {
    bool loads = site->kind == HAK_SITE_LOAD, stores = site->kind == HAK_SITE_STORE;
    switch (order) {
    case memory_order_relaxed:
        return 0;
    case memory_order_acq_rel:
        weaker[0] = memory_order_acquire;
        weaker[1] = memory_order_release;
        return 2;
    case memory_order_seq_cst:
        weaker[0] = loads ? memory_order_acquire : stores ? memory_order_release : memory_order_acq_rel;
        return 1;
    default:
        weaker[0] = memory_order_relaxed;
        return 1;
    }
}

void orders_list(struct orders *orders, const char *part) {
    for (uint32_t i = 0; i < site_count(); i++) {
        const struct hak_site *site = site_at(i);
        uint8_t weaker[2];
        unsigned count = below(site, site->order, weaker);
        for (unsigned k = 0; k < count; k++) {
            row_add(orders, part, i, (struct shim_mutant){i, weaker[k], site->failure}, weaker[k], false);
        }
        bool exchanges = site->kind == HAK_SITE_CAS || site->kind == HAK_SITE_WEAK_CAS;
        count = exchanges ? below(site, site->failure, weaker) : 0;
        for (unsigned k = 0; k < count; k++) {
            row_add(orders, part, i, (struct shim_mutant){i, site->order, weaker[k]}, weaker[k], true);
        }
    }
}

/* --- programs --- */

bool orders_add_programs(struct orders *orders, const char *path) {
    struct files files = {0};
    bool good = files_add(&files, path);
    for (size_t i = 0; good && i < files.count; i++) {
        struct choice choice;
        struct orders_program *grown =
            realloc(orders->programs, (orders->program_count + 1) * sizeof *orders->programs);
        orders->programs = grown != NULL ? grown : orders->programs;
        good = grown != NULL && choose(NULL, "none", files.paths[i], NULL, &choice);
        if (!good || choice.target->threads < 2) {
            continue;
        }
        struct orders_program *program = &orders->programs[orders->program_count];
        good = input_load(files.paths[i], INPUT_EITHER, &program->input);
        program->target = choice.target;
        program->path = good ? strdup(files.paths[i]) : NULL;
        good = good && program->path != NULL;
        orders->program_count += good;
    }
    files_free(&files);
    return good;
}

void orders_free(struct orders *orders) {
    for (size_t i = 0; i < orders->program_count; i++) {
        input_free(&orders->programs[i].input);
        free(orders->programs[i].path);
    }
    free(orders->programs);
}

/* --- a trial --- */

/* What parent and child share: the child may die, so all of it is meaningful at any moment. */
struct shared {
    bool done;
    struct orders_result result;
    enum target target;
    size_t size_bytes;
    uint8_t bytes[PROGRAM_BYTES_MAX]; /* that run now */
};

static void said(struct orders_result *result, enum check check, const char *message) {
    result->found = true;
    snprintf(result->check, sizeof result->check, "%s", check_table[check].id);
    snprintf(result->message, sizeof result->message, "%s", message);
}

/* Whether the bytes in `shared` have a finding with the mutant. What a mutant makes of them must be gone without it. */
static bool fails(struct shared *shared, const struct shim_mutant *mutant) {
    struct program program;
    struct verdict verdict;
    program_read(&program, shared->bytes, shared->size_bytes);
    shim_weak_mutate(mutant);
    shared->result.executions++;
    guard_begin("a program of orders");
    if (world_run(&target_table[shared->target], &program, NULL, &verdict) == CHECK_NONE) {
        guard_end();
        return false;
    }
    said(&shared->result, verdict.check, verdict.message);
    shim_weak_mutate(&(struct shim_mutant){.site = SITE_USER});
    shared->result.spoilt = world_run(&target_table[shared->target], &program, NULL, &verdict) != CHECK_NONE;
    shared->result.found = !shared->result.spoilt;
    guard_end();
    return true;
}

/* The same program on weak memory; from `walk` 1 on, walked at random. */
static void on_weak_memory(struct shared *shared, unsigned walk) {
    struct program program;
    program_read(&program, shared->bytes, shared->size_bytes);
    program.header.weak = true;
    if (walk != 0) {
        program.header.mode = MODE_RANDOM;
        program.header.mode_seed = (uint8_t)(walk * 89);
    }
    program_header_write(&program.header, shared->bytes);
}

static bool corpus_fails(const struct orders *orders, struct shared *shared, const struct shim_mutant *mutant) {
    for (unsigned walk = 0; walk <= WALKS; walk++) {
        for (size_t i = 0; i < orders->program_count; i++) {
            const struct orders_program *program = &orders->programs[i];
            const char *slash = strrchr(program->path, '/');
            if (program->input.size_bytes < PROGRAM_HEADER_BYTES || program->input.size_bytes > sizeof shared->bytes) {
                continue;
            }
            shared->target = (enum target)(program->target - target_table);
            shared->size_bytes = program->input.size_bytes;
            memcpy(shared->bytes, program->input.bytes, shared->size_bytes);
            snprintf(shared->result.by, sizeof shared->result.by, "%s: %s", program->target->name,
                     slash != NULL ? slash + 1 : program->path);
            on_weak_memory(shared, walk);
            if (fails(shared, mutant)) {
                return true;
            }
        }
    }
    return false;
}

static bool generated_fails(uint64_t runs, struct shared *shared, const struct shim_mutant *mutant) {
    struct mutate_random random;
    mutate_seed(&random, 1);
    for (uint64_t i = 0; i < runs; i++) {
        shared->target = i % OOM_ONE_IN == OOM_ONE_IN - 1 ? TARGET_OOM : TARGET_THREADS;
        shared->size_bytes = mutate_generate(&random, RECORDS, shared->bytes, GENERATED_BYTES_MAX);
        snprintf(shared->result.by, sizeof shared->result.by, "%s: generated", target_table[shared->target].name);
        on_weak_memory(shared, (unsigned)(i % 2 == 0 ? 0 : 1 + i / 2 % UINT8_MAX));
        if (fails(shared, mutant)) {
            return true;
        }
    }
    return false;
}

static pid_t start(const struct orders *orders, const struct shim_mutant *mutant, uint64_t runs,
                   struct shared *shared) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL) {
            _exit(EXIT_FAILURE);
        }
        if (!corpus_fails(orders, shared, mutant) && !generated_fails(runs, shared, mutant)) {
            shared->result.by[0] = '\0';
        }
        shared->done = true;
        _exit(EXIT_SUCCESS);
    }
    return pid;
}

static bool save_program(const struct shared *shared, const struct orders_row *row, const char *directory) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s-%s.bin", directory, row->site, row->weakened);
    for (char *at = path + strlen(directory) + 1; *at != '\0'; at++) {
        *at = *at == ' ' || *at == ':' ? '-' : *at;
    }
    FILE *file = fopen(path, "wb");
    bool good = file != NULL && fwrite(shared->bytes, 1, shared->size_bytes, file) == shared->size_bytes;
    if ((file != NULL && fclose(file) != 0) || !good) {
        fprintf(stderr, "hakfuzz orders: cannot write '%s': %s\n", path, strerror(errno));
        return false;
    }
    return true;
}

bool orders_try(const struct orders *orders, const struct orders_row *row, uint64_t runs, const char *save,
                struct orders_result *result) {
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("hakfuzz orders: cannot share memory with a child");
        return false;
    }
    int status;
    pid_t pid = start(orders, &row->mutant, runs, shared);
    bool good = pid > 0;
    while (good && waitpid(pid, &status, 0) != pid) {
        good = errno == EINTR;
    }
    if (!good) {
        perror("hakfuzz orders: cannot make a process");
    } else if (!shared->done) {
        said(&shared->result, CHECK_CRASH, "the process died");
    }
    *result = shared->result;
    good = good && (save == NULL || !result->found || save_program(shared, row, save));
    munmap(shared, sizeof *shared);
    return good;
}
