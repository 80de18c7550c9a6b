// SPDX-License-Identifier: MIT
//
// What it costs to reach a backend's block of samples, by the way that leads to it. Work: 2 channels, gain,
// read from capture memory, written to playback memory, as in bench/callback.
//
// Every way but the direct one chooses among two implementations that the compiler must take for different;
// which one is drawn before every block from a sequence that no predictor learns ("random") or is always the
// same ("steady").

#include <rill_io/kernel.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <variant>
#include <vector>

namespace {

constexpr std::size_t num_channels = 2;
constexpr std::size_t max_block = 1024;

/// Not at distances of 4 KiB, at which a processor takes a load and a store for the same place.
struct Memory {
    std::array<std::array<float, max_block + 24>, num_channels> in{};
    std::array<std::array<float, max_block + 24>, num_channels> out{};
};

/// The work itself. `Tag` makes two types of it.
template <int Tag>
struct Backend {
    Memory* memory;
    float gain;

    [[gnu::always_inline]] inline void run(std::size_t frames) const noexcept {
        for (std::size_t channel = 0; channel < num_channels; ++channel)
            rill::io::apply(std::span<const float>(memory->in[channel].data(), frames),
                            std::span<float>(memory->out[channel].data(), frames),
                            [gain = gain](auto x) noexcept { return x * gain; });
    }
};

struct Virtual {
    Virtual() = default;
    Virtual(const Virtual&) = delete;
    Virtual& operator=(const Virtual&) = delete;
    virtual ~Virtual() = default;
    virtual void run(std::size_t frames) const noexcept = 0;
};
template <int Tag>
struct VirtualBackend final : Virtual {
    explicit VirtualBackend(const Backend<Tag>& work) : backend(work) {}
    void run(std::size_t frames) const noexcept override { backend.run(frames); }
    Backend<Tag> backend;
};

struct FunctionPointer {
    void (*run)(const void*, std::size_t) noexcept;
    const void* object;
};
template <int Tag>
void run_through_pointer(const void* object, std::size_t frames) noexcept {
    static_cast<const Backend<Tag>*>(object)->run(frames);
}

/// Which of two targets the next block takes.
class Choice {
public:
    explicit Choice(bool random) {
        std::minstd_rand generator(1); // NOLINT: the same sequence in every run
        for (std::uint8_t& pick : picks_)
            pick = random ? static_cast<std::uint8_t>(generator() >> 16U & 1U) : 0;
    }
    [[nodiscard]] std::size_t next() noexcept { return picks_[index_++ % picks_.size()]; }

private:
    std::array<std::uint8_t, 8192> picks_{};
    std::size_t index_ = 0;
};

/// Both implementations on one memory.
struct Pair {
    Memory memory;
    Backend<0> first{&memory, 0.5F};
    Backend<1> second{&memory, 0.25F};
};

template <class Call>
void measure(benchmark::State& state, Call&& call) {
    const auto frames = static_cast<std::size_t>(state.range(0));
    Choice choice(state.range(1) != 0);
    for (auto _ : state) {
        call(choice.next(), frames);
        benchmark::ClobberMemory();
    }
}

void direct(benchmark::State& state) {
    Pair pair;
    measure(state, [&](std::size_t pick, std::size_t frames) {
        benchmark::DoNotOptimize(pick);
        pair.first.run(frames);
    });
}

void visit_per_call(benchmark::State& state) {
    Pair pair;
    using Any = std::variant<Backend<0>, Backend<1>>;
    std::array<Any, 2> targets{Any{pair.first}, Any{pair.second}};
    benchmark::DoNotOptimize(targets);
    measure(state, [&](std::size_t pick, std::size_t frames) {
        std::visit([frames](const auto& backend) { backend.run(frames); }, targets[pick]);
    });
}

void function_pointer(benchmark::State& state) {
    Pair pair;
    std::array<FunctionPointer, 2> targets{
        {{&run_through_pointer<0>, &pair.first}, {&run_through_pointer<1>, &pair.second}}};
    benchmark::DoNotOptimize(targets);
    measure(state,
            [&](std::size_t pick, std::size_t frames) { targets[pick].run(targets[pick].object, frames); });
}

void virtual_function(benchmark::State& state) {
    Pair pair;
    VirtualBackend<0> first{pair.first};
    VirtualBackend<1> second{pair.second};
    std::array<const Virtual*, 2> targets{&first, &second};
    benchmark::DoNotOptimize(targets);
    measure(state, [&](std::size_t pick, std::size_t frames) { targets[pick]->run(frames); });
}

void shared_ptr_to_virtual(benchmark::State& state) {
    Pair pair;
    std::array<std::shared_ptr<const Virtual>, 2> targets{std::make_shared<VirtualBackend<0>>(pair.first),
                                                          std::make_shared<VirtualBackend<1>>(pair.second)};
    benchmark::DoNotOptimize(targets);
    measure(state, [&](std::size_t pick, std::size_t frames) { targets[pick]->run(frames); });
}

void std_function(benchmark::State& state) {
    Pair pair;
    std::array<std::function<void(std::size_t)>, 2> targets{
        [&](std::size_t frames) { pair.first.run(frames); },
        [&](std::size_t frames) { pair.second.run(frames); }};
    benchmark::DoNotOptimize(targets);
    measure(state, [&](std::size_t pick, std::size_t frames) { targets[pick](frames); });
}

void blocks(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgNames({"block", "random"})->ArgsProduct({{16, 64, 256}, {0, 1}});
}

} // namespace

BENCHMARK(direct)->Apply(blocks);
BENCHMARK(visit_per_call)->Apply(blocks);
BENCHMARK(function_pointer)->Apply(blocks);
BENCHMARK(virtual_function)->Apply(blocks);
BENCHMARK(shared_ptr_to_virtual)->Apply(blocks);
BENCHMARK(std_function)->Apply(blocks);

BENCHMARK_MAIN();
