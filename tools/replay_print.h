/* replay_print: a recording as text, one operation a line. */
#ifndef HAKMEM_TOOLS_REPLAY_PRINT_H
#define HAKMEM_TOOLS_REPLAY_PRINT_H

/* To standard output. Returns an exit code. */
int replay_print(const char *path);

#endif
