# aarch64: cross-building with Debian's compiler; what is built runs under qemu's user mode.
#
# libc is that of the cross compiler. The other libraries (cmocka, popt, cJSON, zstd) are unpacked by `ci/setup --aarch64`
# into a directory of their own, so that nobody's system becomes one of two architectures.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_ASM_COMPILER aarch64-linux-gnu-gcc)

set(HAKMEM_SYSROOT ${CMAKE_CURRENT_LIST_DIR}/../build/aarch64-sysroot CACHE PATH "Where ci/setup unpacks libraries")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES HAKMEM_SYSROOT)
get_filename_component(sysroot ${HAKMEM_SYSROOT} ABSOLUTE)
set(CMAKE_FIND_ROOT_PATH ${sysroot} /usr/aarch64-linux-gnu)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} ${sysroot}/usr/lib/aarch64-linux-gnu/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${sysroot})
# Its headers must not come before libc's; a plain -I is all they need.
set(ENV{PKG_CONFIG_ALLOW_SYSTEM_CFLAGS} 1)

# The loader and libc are looked for under -L, everything else where it was linked.
find_program(HAKMEM_QEMU NAMES qemu-aarch64 qemu-aarch64-static)
if(HAKMEM_QEMU)
    set(CMAKE_CROSSCOMPILING_EMULATOR ${HAKMEM_QEMU};-L;/usr/aarch64-linux-gnu)
endif()

# Tests that cannot run under qemu's user mode, and why: they are there, but disabled, and said to be.
set(HAKMEM_EMULATOR_CANNOT
    "test_real_fork: qemu miscounts its own threads in a child that starts some, and ends by an assertion of its own"
    "test_real_limits: qemu keeps no RLIMIT_AS, so the address space never runs out"
    "test_real_memory: the kernel counts qemu's own memory as the program's, so what is given back does not show"
    "test_real_pinned: the same, as for test_real_memory"
    "test_afl_mutator: starts itself anew, as a program of the machine, which it is not under qemu"
    "test_real_huge: qemu keeps MADV_HUGEPAGE to itself, and shows its own areas in smaps"
    "test_real_mremap: qemu keeps MADV_DONTDUMP to itself, so no mapping is cut into several areas by it")
