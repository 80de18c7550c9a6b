// SPDX-License-Identifier: MIT

// The conformance suite on the kernel's loopback card. Runs in the virtual machine only (see run-alsa).

#include "../conformance/rig.hpp"
#include "eventually.hpp"
#include <rill_io/alsa.hpp>

#include <array>
#include <cstdint>
#include <fstream>
#include <thread>
#include <tuple>

namespace conformance {

struct AlsaKernelRig {
    using Backend = io::AlsaBackend;
    static constexpr bool in_real_time = true;

    static constexpr std::array does_not_apply{
        Exception{Property::rate_refusal, "the loopback card runs at any rate"},
        Exception{Property::period_refusal, "the loopback card has periods of any size"},
        Exception{Property::division, "the period equals the block, or the adapter is asked for"},
        Exception{Property::no_server, "there is none that could be absent"},
        Exception{Property::quantum_change, "a device that is open keeps its period"},
        Exception{Property::loopback, "the buffer must hold 4 ms several times: see alsa_test.cpp"},
        Exception{Property::through, "likewise"},
        Exception{Property::hang, "a card that stops is lost, sooner; see unit/alsa_faults_test.cpp"},
    };
    static constexpr std::array losses{Loss{"a card that is unplugged", io::Errc::device_lost}};

    explicit AlsaKernelRig(const Setting& setting) : setting_(setting) {}
    ~AlsaKernelRig() { restore(); }
    AlsaKernelRig(const AlsaKernelRig&) = delete;
    AlsaKernelRig& operator=(const AlsaKernelRig&) = delete;

    [[nodiscard]] io::StreamConfig config() const {
        return {.device = "hw:CARD=Loopback,DEV=0", // each direction for itself
                .block = setting_.quantum,
                .periods = 16,
                .input_channels = setting_.channels,
                .output_channels = setting_.channels};
    }
    [[nodiscard]] io::alsa::Options options() const { return {}; }
    [[nodiscard]] std::uint32_t sample_rate() const { return 48000; }
    void connect(DriverOf<AlsaKernelRig>&) {}

    /// The kernel lets go of the card at once, but answers only when nobody has it open any more.
    void lose(const Loss&) {
        unplug_ = std::thread([] { tell_driver("unbind"); });
    }
    void restore() {
        if (!unplug_.joinable())
            return;
        unplug_.join();
        tell_driver("bind");
        (void)eventually([] { return static_cast<bool>(Backend::probe("hw:CARD=Loopback,DEV=0")); });
    }

private:
    static void tell_driver(const char* what) {
        std::ofstream(std::string("/sys/bus/platform/drivers/snd_aloop/") + what)
            << "snd_aloop.0" << std::flush;
    }

    Setting setting_;
    std::thread unplug_;
};

} // namespace conformance

using Rigs = std::tuple<conformance::AlsaKernelRig>;

#include "../conformance/suite.hpp"
