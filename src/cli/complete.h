/* What may stand at the end of a command line. */
#ifndef RILL_CLI_COMPLETE_H
#define RILL_CLI_COMPLETE_H

#include <stdio.h>

/*
 * `rill __complete WORD...`, which the shells' functions call: the words behind "rill", the last
 * one is to be completed. Prints a line for each candidate, "WORD<TAB>what it is", and among them
 *     :files PREFIX  names of files, behind this prefix of the word
 *     :nospace       a candidate is not the end of its word
 */
int complete_main(int argc, char **argv);

#endif
