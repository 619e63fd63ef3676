/* rill completion: the functions by which shells ask what may stand on a command line. */
#include <getopt.h>
#include <string.h>

#include "cli/cli.h"

static const char usage[] =
	"usage: rill completion bash|zsh|fish\n"
	"\n"
	"Prints the shell's function that completes command lines of rill: commands, options and\n"
	"their values, files, and the names of events and keys, those of the dumps on the line or "
	"of\n"
	"the built-in catalog. `make install` puts it where the shells look; otherwise:\n"
	"\n"
	"  bash    source <(rill completion bash)                 in ~/.bashrc\n"
	"  zsh     source <(rill completion zsh)                  in ~/.zshrc, after compinit\n"
	"  fish    rill completion fish | source                  in ~/.config/fish/config.fish\n"
	"\n"
	"  -h, --help   print this\n"
	"\n"
	"Exit codes: 0 printed; 1 output failed; 2 wrong usage.\n";

static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};

/* bash splits words at = and : too, and replaces only what stands behind the last one. */
static const char bash[] =
	"# bash completion for rill\n"
	"_rill()\n"
	"{\n"
	"\tlocal rest=${COMP_LINE:0:COMP_POINT} words=() n=-1 i word last cur prefix\n"
	"\tlast=${COMP_WORDS[COMP_CWORD]}\n"
	"\tfor ((i = 0; i <= COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tif [[ $i -eq 0 || $rest == [[:space:]]* ]]; then\n"
	"\t\t\twords[++n]=$word\n"
	"\t\telse\n"
	"\t\t\twords[n]+=$word\n"
	"\t\tfi\n"
	"\t\trest=${rest#\"${rest%%[![:space:]]*}\"}\n"
	"\t\trest=${rest#\"$word\"}\n"
	"\tdone\n"
	"\tcur=${words[n]}\n"
	"\tprefix=${cur%\"$last\"}\n"
	"\t[[ $last == [=:]* ]] && prefix=$cur\n"
	"\tCOMPREPLY=()\n"
	"\twhile IFS=$'\\t' read -r word _; do\n"
	"\t\tcase $word in\n"
	"\t\t:nospace) compopt -o nospace 2>/dev/null ;;\n"
	"\t\t:files*)\n"
	"\t\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\t\twhile IFS= read -r word; do\n"
	"\t\t\t\tCOMPREPLY+=(\"$word\")\n"
	"\t\t\tdone < <(compgen -f -- \"${cur#\"$prefix\"}\")\n"
	"\t\t\t;;\n"
	"\t\t*) COMPREPLY+=(\"${word#\"$prefix\"}\") ;;\n"
	"\t\tesac\n"
	"\tdone < <(\"${words[0]/#\\~/$HOME}\" __complete \"${words[@]:1}\" 2>/dev/null)\n"
	"}\n"
	"complete -F _rill rill\n";

static const char zsh[] = "#compdef rill\n"
			  "_rill()\n"
			  "{\n"
			  "\tlocal line word width=0 files=0\n"
			  "\tlocal -a plain shown space before\n"
			  "\tbefore=(\"${(@Q)words[2,CURRENT-1]}\")\n"
			  "\t(( CURRENT < 3 )) && before=()\n"
			  "\tfor line in \"${(@f)$(${(Q)words[1]} __complete $before \"${PREFIX}\" "
			  "2>/dev/null)}\"; do\n"
			  "\t\tword=${line%%$'\\t'*}\n"
			  "\t\tcase $word in\n"
			  "\t\t:nospace) space=(-S '') ;;\n"
			  "\t\t:files*) files=1 ;;\n"
			  "\t\t?*)\n"
			  "\t\t\tplain+=(\"$word\")\n"
			  "\t\t\tif [[ -n ${line#*$'\\t'} && $line == *$'\\t'* ]]; then\n"
			  "\t\t\t\tshown+=(\"${(r:28:)word}  ${line#*$'\\t'}\")\n"
			  "\t\t\telse\n"
			  "\t\t\t\tshown+=(\"$word\")\n"
			  "\t\t\tfi\n"
			  "\t\t\t;;\n"
			  "\t\tesac\n"
			  "\tdone\n"
			  "\t(( $#plain )) && compadd \"${space[@]}\" -l -d shown -a plain\n"
			  "\tif (( files )); then\n"
			  "\t\tcompset -P '--*='\n"
			  "\t\t_files\n"
			  "\tfi\n"
			  "}\n"
			  "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n"
			  "\t_rill \"$@\"\n"
			  "else\n"
			  "\tcompdef _rill rill\n"
			  "fi\n";

static const char fish[] = "# fish completion for rill\n"
			   "function __rill_complete\n"
			   "\tset -l words (commandline -opc)\n"
			   "\tset -l word (commandline -ct)\n"
			   "\ttest -n \"$word\"; or set word ''\n"
			   "\tfor line in ($words[1] __complete $words[2..-1] $word 2>/dev/null)\n"
			   "\t\tswitch $line\n"
			   "\t\t\tcase ':files*'\n"
			   "\t\t\t\tset -l prefix (string replace -r '^:files ?' '' -- $line)\n"
			   "\t\t\t\tset -l size (string length -- \"$prefix\")\n"
			   "\t\t\t\tset -l rest (string sub -s (math $size + 1) -- $word)\n"
			   "\t\t\t\tfor file in (__fish_complete_path \"$rest\")\n"
			   "\t\t\t\t\techo $prefix$file\n"
			   "\t\t\t\tend\n"
			   "\t\t\tcase ':nospace'\n"
			   "\t\t\tcase '*'\n"
			   "\t\t\t\techo $line\n"
			   "\t\tend\n"
			   "\tend\n"
			   "end\n"
			   "complete -c rill -f -a '(__rill_complete)'\n";

static int completion_main(int argc, char **argv)
{
	static const struct {
		const char *name;
		const char *text;
	} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
	int option;
	optind = 1;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (option != 'h')
			return option_error("completion");
		fputs(usage, stdout);
		return EXIT_OK;
	}
	for (size_t i = 0; i < 3 && optind + 1 == argc; i++) {
		if (strcmp(argv[optind], shells[i].name) != 0)
			continue;
		fputs(shells[i].text, stdout);
		return EXIT_OK;
	}
	return usage_error("completion", "for which shell: bash, zsh or fish?");
}

const struct command completion_command = {
	.name = "completion",
	.run = completion_main,
	.brief = "print what completes command lines in bash, zsh or fish",
	.usage = usage,
	.options = options,
};
