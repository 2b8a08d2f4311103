/* The program: a command line, nothing else. Start reading at run.c, or at cli.c for the tables. */
#include "cmd/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
