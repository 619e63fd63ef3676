/*
 * spdlog: an asynchronous logger with one worker, a basic file sink on tmpfs, overflow policy
 * block. Its queue has its default of 8,192 entries (about 3 MB).
 */
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <thread>

#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include "bench/peers/emit.h"

namespace
{
/* Stands behind the file in the worker's hands: when it is flushed, the file was. */
class flush_counter : public spdlog::sinks::base_sink<spdlog::details::null_mutex>
{
      public:
	std::atomic<unsigned> flushes{0};

      protected:
	void sink_it_(const spdlog::details::log_msg &) override
	{
	}
	void flush_() override
	{
		flushes++;
	}
};

std::shared_ptr<spdlog::details::thread_pool> pool;
std::shared_ptr<flush_counter> counter;
std::shared_ptr<spdlog::async_logger> shared_logger;
spdlog::logger *logger;
unsigned flushes_asked;

int start(const struct bench_setup *setup)
{
	try {
		auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(
			std::string(setup->dir) + "/log");
		counter = std::make_shared<flush_counter>();
		counter->set_level(spdlog::level::off);
		pool = std::make_shared<spdlog::details::thread_pool>(
			spdlog::details::default_async_q_size, 1);
		shared_logger = std::make_shared<spdlog::async_logger>(
			"bench", spdlog::sinks_init_list{file, counter}, pool,
			spdlog::async_overflow_policy::block);
		shared_logger->set_level(spdlog::level::info);
		logger = shared_logger.get();
		flushes_asked = 0;
		return 0;
	} catch (const std::exception &error) {
		std::fprintf(stderr, "spdlog: %s\n", error.what());
		return -EIO;
	}
}

fmt::string_view view(const struct bench_text *text)
{
	return {text->at, text->length};
}

#define BYTES(a) (a) & 255, (a) >> 8 & 255, (a) >> 16 & 255, (a) >> 24

BENCH_LOOP(off, logger->trace("smtp.noop spanId={}", BENCH_NUMBER(data, i));)

BENCH_LOOP(w1, logger->info("smtp.ehlo spanId={}", BENCH_NUMBER(data, i));)

BENCH_LOOP(w4, {
	const struct bench_session *s = BENCH_SESSION(data, i);

	logger->info("smtp.ehlo spanId={} remoteIp={}.{}.{}.{} remotePort={} hostname={}", s->id,
		     BYTES(s->address), s->port, view(BENCH_TEXT(data, i)));
})

BENCH_LOOP(w8, {
	const struct bench_session *s = BENCH_SESSION(data, i);

	logger->info("smtp.ehlo spanId={} remoteIp={}.{}.{}.{} remotePort={} tls={} size={} "
		     "elapsed={} code={} hostname={}",
		     s->id, BYTES(s->address), s->port, s->tls, s->size, s->elapsed_ns, s->code,
		     view(BENCH_LONG(data, i)));
})

BENCH_LOOP(pair, {
	const struct bench_session *s = BENCH_SESSION(data, i);

	logger->info("smtp.connection-start spanId={} remoteIp={}.{}.{}.{}", s->id,
		     BYTES(s->address));
	logger->info("smtp.connection-end spanId={} elapsed={}", s->id, s->elapsed_ns);
})

int flush()
{
	shared_logger->flush();
	flushes_asked++;
	while (counter->flushes < flushes_asked)
		std::this_thread::sleep_for(std::chrono::microseconds(50));
	return 0;
}

int stop()
{
	flush();
	shared_logger.reset();
	pool.reset();
	counter.reset();
	return 0;
}

uint64_t lost()
{
	return 0;
}
} // namespace

extern "C" {
struct bench_peer bench_peer = {
	BENCH_PEER_VERSION,
	"spdlog",
	start,
	off,
	w1,
	w4,
	w8,
	pair,
	nullptr,
	flush,
	stop,
	true,
	lost,
	nullptr,
	nullptr,
};
}
