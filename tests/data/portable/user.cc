// A C++ program as its users write them: events from constructors and destructors of static and thread_local
// objects, templates, lambdas, callbacks, while the stack is unwound, from threads. It prints
// how many events it has emitted; each carries its number in `total` and how it came about in `hostname`.
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <atomic>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace
{
std::atomic<std::uint64_t> emitted{0};

std::uint64_t next()
{
	return emitted++;
}

// Arguments are evaluated once: next() counts what was emitted.
class Noted
{
public:
	explicit Noted(std::string_view name) : name_{name}
	{
		rill_event(smtp_connection_start, total(next()), hostname(name_));
	}
	Noted(const Noted &) = delete;
	Noted &operator=(const Noted &) = delete;
	~Noted()
	{
		rill_event(smtp_connection_end, total(next()), hostname(name_.c_str()));
	}

private:
	std::string name_;
};

// Made first, so destroyed last.
struct Last {
	~Last()
	{
		std::printf("emitted %llu\n", static_cast<unsigned long long>(emitted.load()));
	}
} last;

const Noted of_process{"static"};
thread_local std::unique_ptr<Noted> of_thread;

template <typename T, typename... Rest> void each(const T &first, const Rest &...rest)
{
	rill_event(smtp_ehlo, total(next()), hostname("template"), size(sizeof first));
	if constexpr (sizeof...(rest) > 0)
		each(rest...);
}

template <int N> struct Compact {
	static void emit()
	{
		rill_event_compact(smtp_rset, total(next()), hostname(std::string_view{"compact"}),
				   size(N));
		if constexpr (N > 0)
			Compact<N - 1>::emit();
	}
};

#ifdef __cpp_exceptions
int thrown()
{
	throw 7;
}

// A value's expression throws: nothing is emitted, and the next event is whole.
void unwind()
{
	try {
		Noted unwound{"unwound"};
		rill_event(smtp_error, total(static_cast<std::uint64_t>(thrown())));
	} catch (int code) {
		rill_event(smtp_noop, total(next()), hostname("catch"), size(code));
	}
}
#else
void unwind()
{
}
#endif

struct Base {
	virtual ~Base() = default;
	virtual void emit() const noexcept
	{
		rill_event(smtp_vrfy, total(next()), hostname("virtual"));
	}
};

struct Derived final : Base {
	~Derived() override
	{
		Base::emit();
	}
	void emit() const noexcept override
	{
		rill_event(smtp_error, total(next()), hostname("nested"),
			   causedBy(rill_nested(smtp_ehlo, hostname("inner"), size(1u))));
	}
};

void work(int rounds)
{
	of_thread = std::make_unique<Noted>("thread_local");
	const std::function<void(int)> callback = [rounds](int i) {
		rill_event(smtp_mail_from, total(next()), hostname("lambda"), size(i + rounds));
	};
	for (int i = 0; i < rounds; i++) {
		callback(i);
		unwind();
		each(1, 2.0, 'c', "four");
		Compact<3>::emit();
		std::unique_ptr<Base> base = std::make_unique<Derived>();
		base->emit();
	}
}

} // namespace

int main(int argc, char **)
{
	std::vector<std::thread> threads;
	for (int i = 0; i < 3; i++)
		threads.emplace_back(work, 100 + argc);
	work(50);
	for (std::thread &thread : threads)
		thread.join();
	return 0;
}
