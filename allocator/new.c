/* new: the C++ operators new and delete in all their forms, in C, under the names that the Itanium ABI gives them, so
 * that the library serves C and C++ and needs no C++ runtime. Owns nothing; any thread.
 *
 * A program may replace some of the forms and count on the others to use its own: that is how the standard defines
 * their default. So every definition here is weak, for the linker, and may be bound elsewhere by the loader (the list
 * cmake/replaceable.list), and the forms call each other by name:
 *
 *     new[]            -> new              delete[]           -> delete
 *     nothrow          -> throwing, caught nothrow and sized  -> plain
 *
 * An operator knows whether its plain form was replaced by comparing addresses; only where it was not are size and
 * speed kept and the hak_* function called at once.
 *
 * When memory is out, the installed new handler is called until it finds some or ends the attempt, and without one
 * std::bad_alloc is thrown. Handler and exception are the runtime's: the one that the program is linked with (weak
 * references), or the one that a plugin brought later (asked of the loader). A statically linked runtime may lack the
 * part that throws; -Wl,-u,_ZSt17__throw_bad_allocv brings it in. Without any runtime the process ends with a message.
 *
 * Exceptions pass through these frames, hence -fexceptions for this file. What C cannot do is to catch one, and a
 * nothrow form must when a handler throws. There the runtime's own form is called, which calls our throwing form and
 * catches. Only in a program without dynamic libraries can it not be found: then such an exception leaves the nothrow
 * form. */
#include "allocator/hakmem.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "allocator/os.h"

#if HAK_OVERRIDE

/* The names below say `m` for size_t. */
_Static_assert(sizeof(size_t) == sizeof(unsigned long) && sizeof(size_t) == 8, "size_t is unsigned long");

struct nothrow; /* std::nothrow_t: the object says nothing, it is only passed on */
typedef void new_handler(void);

/* std::get_new_handler() and std::__throw_bad_alloc(); libstdc++ and libc++ have both. A program that is linked
 * statically may be without the loader. */
new_handler *_ZSt15get_new_handlerv(void) __attribute__((weak));
_Noreturn void _ZSt17__throw_bad_allocv(void) __attribute__((weak));
#pragma weak dlopen
#pragma weak dlsym
#pragma weak dlclose

#define REPLACEABLE __attribute__((weak, visibility("default")))

REPLACEABLE void *_Znwm(size_t size_bytes);
REPLACEABLE void *_Znam(size_t size_bytes);
REPLACEABLE void *_ZnwmRKSt9nothrow_t(size_t size_bytes, const struct nothrow *tag);
REPLACEABLE void *_ZnamRKSt9nothrow_t(size_t size_bytes, const struct nothrow *tag);
REPLACEABLE void *_ZnwmSt11align_val_t(size_t size_bytes, size_t align_bytes);
REPLACEABLE void *_ZnamSt11align_val_t(size_t size_bytes, size_t align_bytes);
REPLACEABLE void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t size_bytes, size_t align_bytes, const struct nothrow *tag);
REPLACEABLE void *_ZnamSt11align_val_tRKSt9nothrow_t(size_t size_bytes, size_t align_bytes, const struct nothrow *tag);
REPLACEABLE void _ZdlPv(void *block);
REPLACEABLE void _ZdaPv(void *block);
REPLACEABLE void _ZdlPvRKSt9nothrow_t(void *block, const struct nothrow *tag);
REPLACEABLE void _ZdaPvRKSt9nothrow_t(void *block, const struct nothrow *tag);
REPLACEABLE void _ZdlPvm(void *block, size_t size_bytes);
REPLACEABLE void _ZdaPvm(void *block, size_t size_bytes);
REPLACEABLE void _ZdlPvSt11align_val_t(void *block, size_t align_bytes);
REPLACEABLE void _ZdaPvSt11align_val_t(void *block, size_t align_bytes);
REPLACEABLE void _ZdlPvSt11align_val_tRKSt9nothrow_t(void *block, size_t align_bytes, const struct nothrow *tag);
REPLACEABLE void _ZdaPvSt11align_val_tRKSt9nothrow_t(void *block, size_t align_bytes, const struct nothrow *tag);
REPLACEABLE void _ZdlPvmSt11align_val_t(void *block, size_t size_bytes, size_t align_bytes);
REPLACEABLE void _ZdaPvmSt11align_val_t(void *block, size_t size_bytes, size_t align_bytes);

/* ---- the runtime ------------------------------------------------------------------------------------------------- */

/* Look a function up in a C++ runtime that is loaded, wherever the loader hides it. Returns whether `function`, a
 * pointer to a function, was set. Slow, and allocates a little: for the way out only. */
static bool runtime_find(const char *name, void *function) {
    static const char *const libraries[] = {"libstdc++.so.6", "libc++.so.1"};
    void *found = NULL;
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries && found == NULL && dlopen != NULL; i++) {
        void *library = dlopen(libraries[i], RTLD_LAZY | RTLD_NOLOAD);
        if (library != NULL) {
            found = dlsym(library, name);
            (void)dlclose(library);
        }
    }
    if (found != NULL) {
        memcpy(function, &found, sizeof found); /* C has no cast from an object to a function */
    }
    return found != NULL;
}

static new_handler *handler_installed(void) {
    new_handler *(*get)(void) = _ZSt15get_new_handlerv;
    return get != NULL || runtime_find("_ZSt15get_new_handlerv", &get) ? get() : NULL;
}

static _Noreturn void throw_bad_alloc(void) {
    void (*raise)(void) = _ZSt17__throw_bad_allocv;
    if (raise != NULL || runtime_find("_ZSt17__throw_bad_allocv", &raise)) {
        raise();
    }
    os_fatal(HAK_FATAL_INVARIANT,
             "hakmem: operator new: out of memory, and there is no C++ runtime to throw std::bad_alloc"
             " (if it is linked statically: -Wl,-u,_ZSt17__throw_bad_allocv)");
}

/* ---- new --------------------------------------------------------------------------------------------------------- */

/* What the forms without std::align_val_t ask for. Who passes 0 for an alignment asks for one that cannot be. */
enum { ALIGN_DEFAULT = 0 };
#define ALIGN_ASKED(align_bytes) ((align_bytes) != 0 ? (align_bytes) : SIZE_MAX)

static void *allocate(size_t size_bytes, size_t align_bytes) {
    return align_bytes == ALIGN_DEFAULT ? hak_malloc(size_bytes) : hak_aligned_alloc(align_bytes, size_bytes);
}

/* No handler can help with an alignment that is no power of two. Returns NULL when there is no handler (any more). */
static HAK_NOINLINE void *ask_handler(size_t size_bytes, size_t align_bytes) {
    void *block = NULL;
    while (block == NULL && (align_bytes & (align_bytes - 1)) == 0) {
        new_handler *handler = handler_installed();
        if (handler == NULL) {
            break;
        }
        handler();
        block = allocate(size_bytes, align_bytes);
    }
    return block;
}

static HAK_NOINLINE void *ask_handler_or_throw(size_t size_bytes, size_t align_bytes) {
    void *block = ask_handler(size_bytes, align_bytes);
    if (block == NULL) {
        throw_bad_alloc();
    }
    return block;
}

static void *own_new(size_t size_bytes) {
    void *block = hak_malloc(size_bytes);
    return HAK_LIKELY(block != NULL) ? block : ask_handler_or_throw(size_bytes, ALIGN_DEFAULT);
}

static void *own_new_aligned(size_t size_bytes, size_t align_bytes) {
    void *block = hak_aligned_alloc(ALIGN_ASKED(align_bytes), size_bytes);
    return HAK_LIKELY(block != NULL) ? block : ask_handler_or_throw(size_bytes, ALIGN_ASKED(align_bytes));
}

static void *own_array_new(size_t size_bytes) {
    return _Znwm(size_bytes);
}

static void *own_array_new_aligned(size_t size_bytes, size_t align_bytes) {
    return _ZnwmSt11align_val_t(size_bytes, align_bytes);
}

void *_Znwm(size_t size_bytes) __attribute__((alias("own_new")));
void *_Znam(size_t size_bytes) __attribute__((alias("own_array_new")));
void *_ZnwmSt11align_val_t(size_t size_bytes, size_t align_bytes) __attribute__((alias("own_new_aligned")));
void *_ZnamSt11align_val_t(size_t size_bytes, size_t align_bytes) __attribute__((alias("own_array_new_aligned")));

/* ---- new that does not throw ------------------------------------------------------------------------------------- */

/* Ours has no handler to ask: done. Otherwise somebody else's code runs, and what it throws must be caught: the
 * runtime's form of that name does it around a call of the throwing form. Without it there is only hope. */
static HAK_NOINLINE void *new_caught(const char *name, bool is_own, size_t size_bytes, const struct nothrow *tag,
                                     void *(*throwing)(size_t)) {
    void *(*caught)(size_t, const struct nothrow *);
    if (is_own && handler_installed() == NULL) {
        return NULL;
    }
    if (runtime_find(name, &caught)) {
        return caught(size_bytes, tag);
    }
    return is_own ? ask_handler(size_bytes, ALIGN_DEFAULT) : throwing(size_bytes);
}

static HAK_NOINLINE void *new_aligned_caught(const char *name, bool is_own, size_t size_bytes, size_t align_bytes,
                                             const struct nothrow *tag, void *(*throwing)(size_t, size_t)) {
    void *(*caught)(size_t, size_t, const struct nothrow *);
    if (is_own && handler_installed() == NULL) {
        return NULL;
    }
    if (runtime_find(name, &caught)) {
        return caught(size_bytes, align_bytes, tag);
    }
    return is_own ? ask_handler(size_bytes, ALIGN_ASKED(align_bytes)) : throwing(size_bytes, align_bytes);
}

void *_ZnwmRKSt9nothrow_t(size_t size_bytes, const struct nothrow *tag) {
    bool is_own = _Znwm == own_new;
    void *block = is_own ? hak_malloc(size_bytes) : NULL;
    return HAK_LIKELY(block != NULL) ? block : new_caught("_ZnwmRKSt9nothrow_t", is_own, size_bytes, tag, _Znwm);
}

void *_ZnamRKSt9nothrow_t(size_t size_bytes, const struct nothrow *tag) {
    bool is_own = _Znam == own_array_new && _Znwm == own_new;
    void *block = is_own ? hak_malloc(size_bytes) : NULL;
    return HAK_LIKELY(block != NULL) ? block : new_caught("_ZnamRKSt9nothrow_t", is_own, size_bytes, tag, _Znam);
}

void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t size_bytes, size_t align_bytes, const struct nothrow *tag) {
    bool is_own = _ZnwmSt11align_val_t == own_new_aligned;
    void *block = is_own ? hak_aligned_alloc(ALIGN_ASKED(align_bytes), size_bytes) : NULL;
    return HAK_LIKELY(block != NULL) ? block
                                     : new_aligned_caught("_ZnwmSt11align_val_tRKSt9nothrow_t", is_own, size_bytes,
                                                          align_bytes, tag, _ZnwmSt11align_val_t);
}

void *_ZnamSt11align_val_tRKSt9nothrow_t(size_t size_bytes, size_t align_bytes, const struct nothrow *tag) {
    bool is_own = _ZnamSt11align_val_t == own_array_new_aligned && _ZnwmSt11align_val_t == own_new_aligned;
    void *block = is_own ? hak_aligned_alloc(ALIGN_ASKED(align_bytes), size_bytes) : NULL;
    return HAK_LIKELY(block != NULL) ? block
                                     : new_aligned_caught("_ZnamSt11align_val_tRKSt9nothrow_t", is_own, size_bytes,
                                                          align_bytes, tag, _ZnamSt11align_val_t);
}

/* ---- delete ------------------------------------------------------------------------------------------------------ */

static void own_delete(void *block) {
    hak_free(block);
}

static void own_delete_aligned(void *block, size_t align_bytes) {
    (void)align_bytes;
    hak_free(block);
}

static void own_array_delete(void *block) {
    _ZdlPv(block);
}

static void own_array_delete_aligned(void *block, size_t align_bytes) {
    _ZdlPvSt11align_val_t(block, align_bytes);
}

void _ZdlPv(void *block) __attribute__((alias("own_delete")));
void _ZdaPv(void *block) __attribute__((alias("own_array_delete")));
void _ZdlPvSt11align_val_t(void *block, size_t align_bytes) __attribute__((alias("own_delete_aligned")));
void _ZdaPvSt11align_val_t(void *block, size_t align_bytes) __attribute__((alias("own_array_delete_aligned")));

void _ZdlPvm(void *block, size_t size_bytes) {
    if (HAK_LIKELY(_ZdlPv == own_delete)) {
        hak_free_sized(block, size_bytes);
    } else {
        _ZdlPv(block);
    }
}

void _ZdaPvm(void *block, size_t size_bytes) {
    if (HAK_LIKELY(_ZdaPv == own_array_delete && _ZdlPv == own_delete)) {
        hak_free_sized(block, size_bytes);
    } else {
        _ZdaPv(block);
    }
}

void _ZdlPvmSt11align_val_t(void *block, size_t size_bytes, size_t align_bytes) {
    if (HAK_LIKELY(_ZdlPvSt11align_val_t == own_delete_aligned)) {
        hak_free_aligned_sized(block, align_bytes, size_bytes);
    } else {
        _ZdlPvSt11align_val_t(block, align_bytes);
    }
}

void _ZdaPvmSt11align_val_t(void *block, size_t size_bytes, size_t align_bytes) {
    if (HAK_LIKELY(_ZdaPvSt11align_val_t == own_array_delete_aligned && _ZdlPvSt11align_val_t == own_delete_aligned)) {
        hak_free_aligned_sized(block, align_bytes, size_bytes);
    } else {
        _ZdaPvSt11align_val_t(block, align_bytes);
    }
}

/* Called only when a constructor threw inside a nothrow new. */
void _ZdlPvRKSt9nothrow_t(void *block, const struct nothrow *tag) {
    (void)tag;
    _ZdlPv(block);
}

void _ZdaPvRKSt9nothrow_t(void *block, const struct nothrow *tag) {
    (void)tag;
    _ZdaPv(block);
}

void _ZdlPvSt11align_val_tRKSt9nothrow_t(void *block, size_t align_bytes, const struct nothrow *tag) {
    (void)tag;
    _ZdlPvSt11align_val_t(block, align_bytes);
}

void _ZdaPvSt11align_val_tRKSt9nothrow_t(void *block, size_t align_bytes, const struct nothrow *tag) {
    (void)tag;
    _ZdaPvSt11align_val_t(block, align_bytes);
}

#endif
