/* With COMPACT, what a program writes as rill_event() is rill_event_compact(): each test of the one
 * form is one of the other. Included behind the catalog. */
#ifndef TESTS_FORM_H
#define TESTS_FORM_H

#ifdef COMPACT
#undef rill_event
#undef rill_event_in
#define rill_event    rill_event_compact
#define rill_event_in rill_event_compact_in
#endif

#endif
