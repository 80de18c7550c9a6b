// SPDX-License-Identifier: MIT
//
// through_jack CLIENT smallest|saturator: sends noise through a running JACK client that is an example, and
// compares what comes back with what its graph makes of the noise here. Status: 0 the same to the last bit |
// 1 it differs | 2 no answer.

#include "../../examples/graph/saturator.hpp"
#include <rill_io/driver.hpp>
#include <rill_io/host.hpp>
#include <rill_io/jack.hpp>
#include <rill_io/nodes.hpp>
#include <rill_io/processing.hpp>

#include <jack/jack.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string_view>
#include <thread>
#include <vector>

namespace {

namespace io = rill::io;
constexpr std::size_t num_frames = 24000;   // of noise
constexpr std::size_t longest_delay = 8192; // of all servers and examples together
using Signal = std::array<std::vector<float>, 2>;

Signal noise() {
    std::mt19937 generator(2);
    std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
    Signal signal;
    for (auto& channel : signal) {
        channel.resize(num_frames);
        std::generate(channel.begin(), channel.end(), [&] { return uniform(generator); });
    }
    return signal;
}

/// What a graph makes of a signal, without any server.
template <class MakeGraph>
Signal process(const Signal& signal, std::uint32_t sample_rate, MakeGraph make_graph) {
    io::Driver<io::host::Capture, io::host::Playback> driver;
    Signal result{std::vector<float>(num_frames), std::vector<float>(num_frames)};
    auto graph = make_graph(driver.capture(), driver.playback());
    io::ProcessingState state(graph);
    io::host::Processor processor{driver, state};
    if (driver.open({.sample_rate = sample_rate}) && processor.start()) {
        const std::array<const float*, 2> inputs{signal[0].data(), signal[1].data()};
        const std::array<float*, 2> outputs{result[0].data(), result[1].data()};
        processor.process(inputs.data(), outputs.data(), num_frames);
    }
    return result;
}

/// The callback. It plays a constant until that comes back (the connections are made), silence until nothing
/// comes any more (filters have come to rest), and then the signal, keeping what comes in from then on.
class Exchange {
public:
    using Driver = io::Driver<io::jack::Capture, io::jack::Playback>;

    Exchange(Driver& driver, const Signal& signal) : driver_(driver), signal_(signal) {
        for (auto& channel : received)
            channel.resize(num_frames + longest_delay);
    }
    void operator()(const io::ClockTick& tick) noexcept {
        switch (phase_) {
        case Phase::knock:
            play_constant(0.5F, tick.frames);
            if (is_heard(0, tick.frames) && is_heard(1, tick.frames))
                phase_ = Phase::listen;
            break;
        case Phase::listen:
            play_constant(0.0F, tick.frames);
            quiet_frames_ =
                is_heard(0, tick.frames) || is_heard(1, tick.frames) ? 0 : quiet_frames_ + tick.frames;
            if (quiet_frames_ >= longest_delay)
                phase_ = Phase::exchange;
            break;
        case Phase::exchange:
            exchange(tick.frames);
            break;
        }
        if (tick.xruns != 0)
            over.store(true, std::memory_order_release);
    }

    Signal received;
    std::atomic<bool> over{false};

private:
    enum class Phase { knock, listen, exchange };

    void play_constant(float value, std::uint32_t frames) noexcept {
        for (std::size_t channel = 0; channel < 2; ++channel)
            std::fill_n(driver_.playback().output(channel), frames, value);
    }
    [[nodiscard]] bool is_heard(std::size_t channel, std::uint32_t frames) const noexcept {
        const float* const samples = driver_.capture().input(channel);
        return std::any_of(samples, samples + frames, [](float x) { return x != 0.0F; });
    }
    void exchange(std::uint32_t frames) noexcept {
        const std::size_t unplayed = std::min(position_, num_frames);
        play_constant(0.0F, frames); // beyond the signal's end
        for (std::size_t channel = 0; channel < 2; ++channel) {
            driver_.playback().write_output(channel, std::span(signal_[channel]).subspan(unplayed));
            driver_.capture().read_input(channel, std::span(received[channel]).subspan(position_));
        }
        position_ = std::min<std::size_t>(position_ + frames, num_frames + longest_delay);
        if (position_ == num_frames + longest_delay)
            over.store(true, std::memory_order_release);
    }

    Driver& driver_;
    const Signal& signal_;
    Phase phase_ = Phase::knock;
    std::size_t quiet_frames_ = 0;
    std::size_t position_ = 0;
};

bool same(const Signal& received, const Signal& expected) {
    const auto first =
        std::find_if(received[0].begin(), received[0].end(), [](float x) { return x != 0.0F; });
    const auto delay = first - received[0].begin();
    if (delay > static_cast<std::ptrdiff_t>(longest_delay))
        return std::puts("nothing came back"), false;
    for (std::size_t channel = 0; channel < 2; ++channel) {
        const auto different = std::mismatch(expected[channel].begin(), expected[channel].end(),
                                             received[channel].begin() + delay);
        if (different.first != expected[channel].end())
            return std::printf("delay %td, but frame %td of channel %zu differs: %.9g, expected %.9g\n",
                               delay, different.first - expected[channel].begin(), channel,
                               static_cast<double>(*different.second), static_cast<double>(*different.first)),
                   false;
    }
    std::printf("%zu frames came back %td frames later, the same to the last bit\n", num_frames, delay);
    return true;
}

/// One try. Status as above.
int exchange(const char* client, const Signal& signal, bool saturated) {
    Exchange::Driver driver;
    Exchange callback(driver, signal);
    const io::StreamConfig config{
        .client_name = "through_jack", .capture_target = client, .playback_target = client};
    // The example may still be starting: ask until its ports are there.
    io::Result<void> ready = driver.open(config);
    for (int tries = 0; !ready && ready.error().code == io::Errc::no_device && tries < 200; ++tries) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        ready = driver.open(config);
    }
    if (ready && (ready = driver.set_process_callback(callback)))
        ready = driver.start();
    if (!ready)
        return std::fprintf(stderr, "through_jack: %s\n", ready.error().text), 2;
    // The server now waits for its clients in every cycle: a busy machine can't disturb the exchange.
    jack_set_freewheel(driver.session().client(), 1);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (driver.is_running() && !callback.over.load(std::memory_order_acquire) &&
           std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    jack_set_freewheel(driver.session().client(), 0);
    if (const auto stopped = driver.stop(); !stopped)
        return 2;
    const std::uint32_t rate = driver.info().sample_rate;
    const Signal expected =
        saturated ? process(signal, rate, [](auto& in, auto& out) { return example::saturator(in, out); })
                  : process(signal, rate, [](auto& in, auto& out) {
                        return io::Input(in) >> io::Gain(0.5F) >> io::Output(out);
                    });
    if (!callback.over.load(std::memory_order_acquire) || driver.stats().xruns != 0)
        return 3; // not connected, since the example was not active yet, or the machine stumbled: try again
    return same(callback.received, expected) ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3)
        return std::fputs("usage: through_jack CLIENT smallest|saturator\n", stderr), 2;
    const Signal signal = noise();
    int status = 3;
    for (int tries = 0; tries < 5 && status == 3; ++tries) {
        status = exchange(argv[1], signal, std::string_view(argv[2]) == "saturator");
        if (status == 3)
            std::puts("no undisturbed exchange");
    }
    return status;
}
