/*
 * spdlog, as its documentation shows it: a logger with a basic file sink. TRUST_FILE is the file;
 * TRUST_MODE: sync, block (asynchronous, the policy by default) or overrun (asynchronous, the
 * oldest messages are overwritten). Also the plugin, which finds the logger by its name.
 */
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include <spdlog/async.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include "bench/trust/subject.h"

#ifdef TRUST_PLUGIN
void plugin_emit(uint64_t who, uint64_t number)
{
	spdlog::get("trust")->info("id={} total={}", who, number);
}
#else
static std::shared_ptr<spdlog::logger> logger;

void subject_open(void)
{
	const std::string file = getenv("TRUST_FILE"), mode = getenv("TRUST_MODE");
	if (mode == "sync")
		logger = spdlog::basic_logger_mt("trust", file);
	else if (mode == "block")
		logger = spdlog::basic_logger_mt<spdlog::async_factory>("trust", file);
	else
		logger = spdlog::basic_logger_mt<spdlog::async_factory_nonblock>("trust", file);
}

void subject_emit(uint64_t who, uint64_t number)
{
	logger->info("id={} total={}", who, number);
}
#endif
