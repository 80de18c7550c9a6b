// SPDX-License-Identifier: MIT
//
// How the cost of a server's cycle grows with its clients, 1 .. 64 in one process: each is a client of the
// stand-in for libjack (bench/callback), which calls one after the other, with ports, memory and state of its
// own, and has 2 inputs, a gain and 2 outputs. 64 frames; every client's output is checked.
//
//   streams/raw             as everybody writes it in C, the frames at run time
//   streams/rill_io         block and channels at run time
//   streams/rill_io_static  block and channels at compile time

#include "stub.h"
#include <rill_io/driver.hpp>
#include <rill_io/jack.hpp>
#include <rill_io/nodes.hpp>
#include <rill_io/processing.hpp>

#include <benchmark/benchmark.h>
#include <jack/jack.h>

#include <array>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace {

namespace io = rill::io;

constexpr std::size_t num_channels = 2;
constexpr unsigned frames = 64;
constexpr float gain = 0.5F;

// --- the client by hand

class RawClient {
public:
    RawClient() = default;
    ~RawClient() {
        if (client_ != nullptr)
            ::jack_client_close(client_);
    }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    bool start() {
        client_ = ::jack_client_open("raw", JackNoStartServer, nullptr);
        if (client_ == nullptr)
            return false;
        for (jack_port_t*& port : inputs_)
            port = ::jack_port_register(client_, "in", JACK_DEFAULT_AUDIO_TYPE, JackPortIsInput, 0);
        for (jack_port_t*& port : outputs_)
            port = ::jack_port_register(client_, "out", JACK_DEFAULT_AUDIO_TYPE, JackPortIsOutput, 0);
        ::jack_set_process_callback(client_, &RawClient::process, this);
        return ::jack_activate(client_) == 0;
    }

private:
    static int process(jack_nframes_t count, void* client) {
        const auto& self = *static_cast<const RawClient*>(client);
        for (std::size_t channel = 0; channel < num_channels; ++channel) {
            const auto* in = static_cast<const float*>(::jack_port_get_buffer(self.inputs_[channel], count));
            auto* out = static_cast<float*>(::jack_port_get_buffer(self.outputs_[channel], count));
            for (jack_nframes_t i = 0; i < count; ++i)
                out[i] = in[i] * self.gain_;
        }
        return 0;
    }

    jack_client_t* client_ = nullptr;
    std::array<jack_port_t*, num_channels> inputs_{};
    std::array<jack_port_t*, num_channels> outputs_{};
    float gain_ = gain;
};

// --- the library's

/// `Block` and `Channels`: numbers, or `dynamic_extent`.
template <std::size_t Block, std::size_t Channels>
class OurClient {
public:
    bool start() {
        return driver_.open({.client_name = "rill-io",
                             .block = Block == io::dynamic_extent ? 0 : frames,
                             .autoconnect = io::Autoconnect::off}) &&
               driver_.set_process_callback(processing_) && driver_.start();
    }

private:
    using Input = io::Input<io::jack::Capture, Block, Channels>;
    using Output = io::Output<io::jack::Playback, Block, Channels>;
    using Driver = io::Driver<io::jack::Capture, io::jack::Playback>;

    static auto make_graph(Driver& driver) {
        if constexpr (Channels == io::dynamic_extent)
            return Input::with_channels(driver.capture(), num_channels) >> io::Gain{gain} >>
                   Output::with_channels(driver.playback(), num_channels);
        else
            return Input{driver.capture()} >> io::Gain{gain} >> Output{driver.playback()};
    }
    using Graph = decltype(make_graph(std::declval<Driver&>()));

    Driver driver_;
    Graph graph_ = make_graph(driver_);
    io::ProcessingState<Graph> processing_{graph_};
};

// --- so many of them

float sample(unsigned port, unsigned frame) {
    return static_cast<float>(frame + 1) * static_cast<float>(port + 1);
}

/// True if each client has its ports, and its inputs' samples, changed by the gain, in its own outputs.
bool outputs_are_right(unsigned num_ports) {
    for (unsigned port = 0; port < num_ports; ++port) {
        const float* const out = stub_output_memory(port);
        if (out == nullptr)
            return false;
        for (unsigned i = 0; i < frames; ++i)
            if (out[i] != gain * sample(port, i))
                return false;
    }
    return stub_output_memory(num_ports) == nullptr;
}

bool failed = false; // (Google Benchmark's status does not tell)

void fail(benchmark::State& state, const char* what) {
    failed = true;
    state.SkipWithError(what);
}

template <class Client>
void streams(benchmark::State& state) {
    const auto num_clients = static_cast<unsigned>(state.range(0));
    const unsigned num_ports = num_clients * num_channels;
    stub_set_quantum(frames);
    std::vector<std::unique_ptr<Client>> clients;
    while (clients.size() < num_clients) {
        clients.push_back(std::make_unique<Client>());
        if (!clients.back()->start())
            return fail(state, "a client does not start");
    }
    for (unsigned port = 0; port < num_ports; ++port)
        for (unsigned i = 0; i < frames; ++i)
            stub_input_memory(port)[i] = sample(port, i);
    stub_run(1);
    if (!outputs_are_right(num_ports))
        return fail(state, "the output is wrong");
    for (auto _ : state)
        stub_run(1);
    if (!outputs_are_right(num_ports))
        fail(state, "the output is wrong after the last cycle");
}

template <class Client>
void add(const char* name) {
    benchmark::RegisterBenchmark(name, streams<Client>)->RangeMultiplier(2)->Range(1, 64);
}

} // namespace

int main(int argc, char** argv) {
    add<RawClient>("streams/raw");
    add<OurClient<io::dynamic_extent, io::dynamic_extent>>("streams/rill_io");
    add<OurClient<frames, num_channels>>("streams/rill_io_static");
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 64;
    benchmark::RunSpecifiedBenchmarks();
    return failed ? 1 : 0;
}
