/* The page, as src/cli/report/page.sh puts it together. */
#ifdef __CET__
#include <cet.h> /* the note: no code of this file spoils what the others promise */
#endif
	.section .rodata
	.globl report_head, report_head_size, report_script, report_script_size
report_head:
	.incbin "report-head.html"
.Lhead_end:
report_script:
	.incbin "report-script.html"
.Lscript_end:
	.balign 8
report_head_size:
	.8byte .Lhead_end - report_head
report_script_size:
	.8byte .Lscript_end - report_script
	.section .note.GNU-stack,"",%progbits
