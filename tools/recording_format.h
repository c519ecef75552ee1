/* recording_format: the bytes of recordings that reader and writer agree on (docs/recordings.md). */
#ifndef HAKMEM_TOOLS_RECORDING_FORMAT_H
#define HAKMEM_TOOLS_RECORDING_FORMAT_H

enum {
    FORMAT_MAGIC_BYTES = 8,
    FORMAT_VERSION_AT = 6, /* in the magic: a digit */
    FORMAT_KIND = 0x0f,    /* of an operation's first byte */
    FORMAT_THREAD = 0x10,  /* another thread's than the one before: its number follows */
    FORMAT_MORE = 0x80,    /* of a number's byte: there is another one */
    FORMAT_BITS = 7,
};
static const char format_magic[FORMAT_MAGIC_BYTES] = {'h', 'a', 'k', 'r', 'e', 'c', '1', '\n'};

#endif
