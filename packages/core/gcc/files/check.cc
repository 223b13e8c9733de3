// What a compiler of C++ must get right here: exceptions through several frames and a library, destructors on the way,
// dynamic casts, threads, locales of streams, and what the linker adds up.

#include <atomic>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

int destroyed = 0;

struct Guard {
    ~Guard() { ++destroyed; }
};

struct Base {
    virtual ~Base() = default;
};

struct Derived : Base {
    int value = 42;
};

int descend(int depth) {
    Guard guard;
    if (depth == 0) {
        return std::vector<int>(3).at(7);
    }
    return descend(depth - 1) + 1;
}

bool exceptions_unwind() {
    try {
        descend(9);
    } catch (const std::out_of_range& error) {
        return destroyed == 10 && std::string(error.what()).find("7") != std::string::npos;
    }
    return false;
}

bool casts_tell_types() {
    std::unique_ptr<Base> base = std::make_unique<Derived>();
    auto* derived = dynamic_cast<Derived*>(base.get());
    return derived != nullptr && derived->value == 42;
}

bool threads_count() {
    std::atomic<int> count{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&count] {
            try {
                count += 1;
                throw std::runtime_error("in a thread");
            } catch (const std::runtime_error&) {
                count += 10;
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    return count == 44;
}

bool streams_format() {
    std::map<std::string, double> values{{"b", 2.5}, {"a", 1}};
    std::ostringstream text;
    for (const auto& [name, value] : values) {
        text << name << '=' << value << ';';
    }
    return text.str() == "a=1;b=2.5;";
}

}  // namespace

int main() {
    const bool right = exceptions_unwind() && casts_tell_types() && threads_count() && streams_format();
    std::cout << (right ? "C++ works" : "C++ does not work") << std::endl;
    return right ? 0 : 1;
}
