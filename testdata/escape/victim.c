/* The process of the host that plays the victim: it is executed under another name and waits to die. */
#include "probe.h"

__attribute__((constructor)) static void wait_if_victim(int count, char **words)
{
    if (count == 2 && strcmp(words[0], "igos-escape-victim") == 0)
        for (;;)
            pause();
}
