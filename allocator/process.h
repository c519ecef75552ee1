/* process: what happens once in a process, and around fork. Any thread. */
#ifndef HAKMEM_ALLOCATOR_PROCESS_H
#define HAKMEM_ALLOCATOR_PROCESS_H

/* Read the options, make the key of the links. Once, before the first heap; whoever comes second waits. Takes
 * heaps.lock. */
void hak_process_start(void);

/* Have the system call the functions below around fork; once, however often it is said. */
void hak_process_attach(void);

/* Around fork. prepare takes every lock in order, so no slab, list or table is in the middle of a change; parent gives
 * them back; child makes them new. In the child the threads that had heaps do not exist: their heaps become orphans,
 * with what their caches held, and are adopted like those of dead threads. What such a thread was just about to take or
 * give back, at most a block or two, is lost. */
void hak_fork_prepare(void);
void hak_fork_parent(void);
void hak_fork_child(void);

#endif
