/* The page's summary: everything that is counted, as one JSON object (docs/report.md). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report/report.h"
#include "sink/render.h"

#define LOSSES_MAX 5000u

void json_string(FILE *out, const char *text)
{
	size_t size = strlen(text);
	fputc('"', out);
	for (size_t i = 0; i < size;) {
		uint32_t character = 0xfffd;
		size_t length = utf8_read((const unsigned char *)text + i, size - i, &character);
		/* No tag begins and no comment ends in here, whatever the text is. */
		if (!length)
			fputs("\\ufffd", out);
		else if (character_is_unsafe(character))
			fprintf(out, "\\\\u{%" PRIx32 "}", character);
		else if (strchr("\"\\<>&", (int)(unsigned char)text[i]))
			fprintf(out, "\\u%04x", (unsigned char)text[i]);
		else
			fwrite(text + i, 1, length, out);
		i += length ? length : 1;
	}
	fputc('"', out);
}

static void field(FILE *out, const char *name, const char *text)
{
	fprintf(out, ",\"%s\":", name);
	json_string(out, text);
}

static const char *comma(size_t i)
{
	return i ? "," : "";
}

/* How far the host's clock may have been off; 0: not known. */
static uint32_t clock_error(const struct dump_reader *reader, size_t origin)
{
	uint32_t error_us = 0;
	for (size_t f = 0; f < dump_file_count(reader); f++) {
		const struct dump_file *file = dump_file(reader, f);
		for (size_t i = 0; file->origin == origin && i < file->npoints; i++)
			if (file->points[i].error_us > error_us)
				error_us = file->points[i].error_us;
	}
	return error_us;
}

static void write_processes(FILE *out, const struct model *model, const struct dump_reader *reader)
{
	fputs(",\"processes\":[", out);
	for (size_t i = 0; i < model->nprocesses; i++) {
		const struct report_process *process = &model->processes[i];
		const struct dump_origin *origin = dump_origin(reader, i);
		fprintf(out,
			"%s{\"pid\":%" PRIu32 ",\"id\":\"%016" PRIx64 "%016" PRIx64
			"\",\"start\":\"%" PRIu64 "\",\"first\":\"%" PRIu64 "\",\"last\":\"%" PRIu64
			"\",\"count\":%" PRIu64 ",\"late\":%" PRIu64,
			comma(i), origin->process.pid, origin->process.id[0], origin->process.id[1],
			origin->process.start_ns, process->first_ns, process->last_ns,
			process->count, process->late);
		field(out, "program", origin->process.program ? origin->process.program : "?");
		field(out, "host", origin->process.host ? origin->process.host : "");
		field(out, "clock", origin->process.clock ? origin->process.clock : "");
		fprintf(out, ",\"clockError\":%" PRIu32, clock_error(reader, i));
		fputs(",\"filters\":[", out);
		/* What the process's end publishes is no filter of interest: the first ones are. */
		for (size_t e = 0; e < origin->nepochs && e < 100; e++) {
			fputs(comma(e), out);
			json_string(out, origin->epochs[e].expression);
		}
		fprintf(out, "],\"nfilters\":%zu}", origin->nepochs);
	}
	fputs("],\"files\":[", out);
	for (size_t i = 0; i < dump_file_count(reader); i++) {
		const struct dump_file *file = dump_file(reader, i);
		fprintf(out,
			"%s{\"process\":%" PRIu32 ",\"bytes\":%" PRIu64 ",\"records\":%" PRIu64
			",\"rings\":%" PRIu64 ",\"finished\":%s,\"running\":%s,\"counted\":%s",
			comma(i), file->origin, file->bytes, file->nrecords, file->nrings,
			file->finished ? "true" : "false", file->running ? "true" : "false",
			file->ncounts ? "true" : "false");
		field(out, "path", file->path);
		field(out, "damage", file->damage ? file->damage : "");
		fputc('}', out);
	}
	fputc(']', out);
}

/* Buckets for a picture: an eighth of a power of two, and below 128 ns sixteen of them. */
struct buckets {
	FILE *out;
	uint64_t from; /* of the one at hand */
	uint64_t count;
	bool any;
};

static void end_bucket(struct buckets *buckets)
{
	if (buckets->count)
		fprintf(buckets->out, "%s%" PRIu64 ",%" PRIu64, comma(buckets->any), buckets->from,
			buckets->count);
	buckets->any = buckets->any || buckets->count;
	buckets->count = 0;
}

static void add_bucket(void *context, uint64_t value, uint64_t count)
{
	struct buckets *buckets = context;
	unsigned shift = value < 128 ? 4 : 60 - (unsigned)__builtin_clzll(value);
	uint64_t from = value >> shift << shift;
	if (from != buckets->from)
		end_bucket(buckets);
	buckets->from = from;
	buckets->count += count;
}

static void write_latency(FILE *out, struct histogram *latency)
{
	static const uint32_t quantiles[] = {50000, 90000, 99000, 99900};
	struct buckets buckets = {.out = out};
	if (!latency || !histogram_is_whole(latency)) {
		fputs(",null", out);
		return;
	}
	fprintf(out,
		",{\"count\":%" PRIu64 ",\"min\":%" PRIu64 ",\"max\":%" PRIu64
		",\"mean\":%.0f,\"p\":[",
		latency->count, latency->min, latency->max, latency->sum / (double)latency->count);
	for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
		fprintf(out, "%s%" PRIu64, comma(i), histogram_quantile(latency, quantiles[i]));
	fputs("],\"buckets\":[", out);
	histogram_each(latency, add_bucket, &buckets);
	end_bucket(&buckets);
	fputs("]}", out);
}

static void write_series(FILE *out, const struct series *series)
{
	const char *between = "";
	fputs("[", out);
	for (size_t i = 0; series && i < SERIES_BINS; i++) {
		if (!series->bins[i])
			continue;
		fprintf(out, "%s%zu,%" PRIu64, between, i, series->bins[i]);
		between = ",";
	}
	fputs("]", out);
}

static long series_index(const struct model *model, const struct series *series)
{
	for (size_t i = 0; series && i < model->timeline.nseries; i++)
		if (model->timeline.series[i] == series)
			return (long)i;
	return -1;
}

static void write_event(FILE *out, const struct model *model, const struct report_catalog *in,
			size_t catalog, size_t i)
{
	const struct rill_catalog_event *event = &in->catalog->events[i];
	const struct report_event *at = &model->events[in->first_event + i];
	fprintf(out, "%s[%zu,", comma(in->first_event + i), catalog);
	json_string(out, event->name);
	fprintf(out, ",%u,%u,", event->level, event->subsystem);
	json_string(out, event->brief);
	fputc(',', out);
	json_string(out, event->text);
	fprintf(out, ",%u,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%ld",
		event->flags, at->count, at->counts.filtered, at->counts.discarded,
		at->counts.overwritten, at->counts.failed, series_index(model, at->series));
	write_latency(out, at->latency);
	fputc(']', out);
}

static void write_span(FILE *out, struct model *model, const struct report_catalog *in,
		       size_t catalog, size_t i)
{
	const struct rill_catalog_span *span = &in->catalog->spans[i];
	struct report_span *at = &model->spans[in->first_span + i];
	fprintf(out, "%s[%zu,", comma(in->first_span + i), catalog);
	json_string(out, span->name);
	fprintf(out, ",%" PRIu32 ",%" PRIu32 ",%ld,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
		in->first_event + span->start, in->first_event + span->end,
		span->key == RILL_NO_KEY ? -1 : (long)in->first_key + span->key,
		at->states[RILL_SPAN_ENDED], at->states[RILL_SPAN_ABANDONED],
		at->states[RILL_SPAN_HEADLESS], at->open);
	write_latency(out, &at->latency);
	fputc(']', out);
}

static void write_key(FILE *out, const struct report_catalog *in, size_t i)
{
	const struct rill_catalog_key *key = &in->catalog->keys[i];
	char types[128];
	fprintf(out, "%s[", comma(in->first_key + i));
	json_string(out, key->name);
	fputc(',', out);
	json_string(out, key->text);
	fputc(',', out);
	json_string(out, show_types(types, sizeof types, key->types));
	fputc(']', out);
}

static void write_catalogs(FILE *out, struct model *model)
{
	fputs(",\"catalogs\":[", out);
	for (size_t c = 0; c < model->ncatalogs; c++) {
		const struct rill_catalog *catalog = model->catalogs[c].catalog;
		fprintf(out, "%s{\"hash\":\"%016" PRIx64 "\"", comma(c), catalog->hash);
		field(out, "name", catalog->name);
		fputs(",\"subsystems\":[", out);
		for (size_t i = 0; i < catalog->nsubsystems; i++) {
			fputs(comma(i), out);
			json_string(out, catalog->subsystems[i]);
		}
		fputs("]}", out);
	}
	fputs("],\"events\":[", out);
	for (size_t c = 0; c < model->ncatalogs; c++)
		for (size_t i = 0; i < model->catalogs[c].nevents; i++)
			write_event(out, model, &model->catalogs[c], c, i);
	fputs("],\"keys\":[", out);
	for (size_t c = 0; c < model->ncatalogs; c++)
		for (size_t i = 0; i < model->catalogs[c].nkeys; i++)
			write_key(out, &model->catalogs[c], i);
	fputs("],\"spanTypes\":[", out);
	for (size_t c = 0; c < model->ncatalogs; c++)
		for (size_t i = 0; i < model->catalogs[c].nspans; i++)
			write_span(out, model, &model->catalogs[c], c, i);
	fputc(']', out);
}

static void write_timeline(FILE *out, const struct timeline *timeline)
{
	fprintf(out,
		",\"timeline\":{\"start\":\"%" PRIu64 "\",\"width\":%.0f,\"bins\":%u,\"series\":[",
		timeline->start_ns, (double)((uint64_t)1 << timeline->width_bits), SERIES_BINS);
	for (size_t i = 0; i < timeline->nseries; i++) {
		fputs(comma(i), out);
		write_series(out, timeline->series[i]);
	}
	fputs("],\"others\":[", out);
	for (size_t i = 0; i < RILL_OFF; i++) {
		fputs(comma(i), out);
		write_series(out, timeline->others[i]);
	}
	fputs("]}", out);
}

static const struct report_catalog *catalog_of_loss(const struct model *model,
						    const struct dump_file *file, uint8_t index)
{
	const struct rill_catalog *catalog =
		index < file->catalogs.count ? file->catalogs.catalog[index] : NULL;
	for (size_t c = 0; catalog && c < model->ncatalogs; c++)
		if (model->catalogs[c].hash == catalog->hash &&
		    model->catalogs[c].nevents == catalog->nevents)
			return &model->catalogs[c];
	return NULL;
}

/* Where in time events were lost. The totals by event are those of the counts. */
static void write_losses(FILE *out, const struct model *model, const struct dump_reader *reader)
{
	uint64_t all = 0, written = 0;
	fputs(",\"losses\":[", out);
	for (size_t f = 0; f < dump_file_count(reader); f++) {
		const struct dump_file *file = dump_file(reader, f);
		for (size_t i = 0; i < file->nlosses; i++) {
			const struct dump_loss *loss = &file->losses[i];
			const struct report_catalog *catalog =
				catalog_of_loss(model, file, loss->catalog);
			if (!catalog || loss->event >= catalog->nevents || all++ >= LOSSES_MAX)
				continue;
			fprintf(out,
				"%s[%" PRIu32 ",%" PRIu32 ",\"%" PRIu64 "\",\"%" PRIu64
				"\",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]",
				comma(written++), file->origin, catalog->first_event + loss->event,
				loss->from_ns, loss->to_ns, loss->discarded, loss->overwritten,
				loss->failed);
		}
	}
	fprintf(out, "],\"nlosses\":%" PRIu64, all);
}

void summary_write(FILE *out, struct model *model, const struct choice *choice,
		   const struct dump_reader *reader, const char *selected)
{
	fprintf(out,
		"<script type=\"application/json\" id=\"summary\">{\"rill\":\"" RILL_VERSION
		"\",\"first\":\"%" PRIu64 "\",\"last\":\"%" PRIu64 "\",\"total\":%" PRIu64
		",\"totalSpans\":%" PRIu64 ",\"urgent\":%" PRIu64 ",\"all\":%s,\"limit\":%" PRIu64
		",\"valuesCut\":%" PRIu64 ",\"badRecords\":%" PRIu64,
		model->first_ns, model->last_ns, model->total, model->total_spans, model->urgent,
		choice->all ? "true" : "false", choice->limit, model->values_cut,
		model->bad_records);
	field(out, "selected", selected);
	write_processes(out, model, reader);
	write_catalogs(out, model);
	fputs(",\"threads\":[", out);
	for (size_t i = 0; i < model->nthreads; i++) {
		const struct report_thread *thread = &model->threads[i];
		fprintf(out, "%s[%" PRIu32 ",%" PRIu32 ",%" PRIu64 "]", comma(i), thread->process,
			thread->tid, thread->count);
	}
	fputc(']', out);
	write_timeline(out, &model->timeline);
	write_losses(out, model, reader);
	fputs("}</script>\n", out);
}
