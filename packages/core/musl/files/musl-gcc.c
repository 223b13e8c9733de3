/* Runs gcc so that it uses musl: the arguments, and `-specs /usr/lib/musl-gcc.specs` behind them. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const char *compiler = getenv("REALGCC");
    char **arguments = calloc(argc + 3, sizeof *arguments);
    int last = 0;

    if (!arguments) {
        perror("musl-gcc");
        return 1;
    }
    if (!compiler)
        compiler = "gcc";
    arguments[last++] = (char *)compiler;
    for (int given = 1; given < argc; given++)
        arguments[last++] = argv[given];
    arguments[last++] = "-specs";
    arguments[last++] = "/usr/lib/musl-gcc.specs";
    execvp(compiler, arguments);
    perror(compiler);
    return 1;
}
