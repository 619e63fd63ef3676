/* The page, as src/cli/report/page.sh puts it together. */
	.section .rodata
	.globl report_head, report_head_end, report_script, report_script_end
report_head:
	.incbin "report-head.html"
report_head_end:
report_script:
	.incbin "report-script.html"
report_script_end:
	.section .note.GNU-stack,"",%progbits
