// embed_cxx: the header and the archive serve C++11 as they serve C.
#include "embed.c"
