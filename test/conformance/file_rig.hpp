// SPDX-License-Identifier: MIT
#pragma once

#include "rig.hpp"
#include <rill_io/file.hpp>

#include <fcntl.h>
#include <sndfile.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace conformance {

/// Captures from a file that holds signal() and plays to one that is read back.
template <bool Paced>
struct FileRig {
    using Backend = io::FileBackend;
    static constexpr bool in_real_time = false; // paced, a late cycle is caught up: nothing is lost
    static constexpr bool ends_by_itself = true;

    static constexpr std::array does_not_apply{
        Exception{Property::no_server, "there is none that could be absent"},
        Exception{Property::loopback, "what is written to a file is not captured"},
        Exception{Property::quantum_change, "nobody changes it"},
        Exception{Property::hang, "there is nobody who could stop answering"},
    };
    static constexpr std::array losses{Loss{"a file that may not grow", io::Errc::io_failure}};

    explicit FileRig(const Setting& setting) : setting_(setting), kept_(setting.channels) {
        std::string pattern = (std::filesystem::temp_directory_path() / "file-rig-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr)
            throw std::runtime_error("no folder for the sound files");
        folder_ = pattern;
        capture_path_ = folder_ / "capture.wav";
        if (setting.to_be_lost)
            memory_file_ = ::memfd_create("playback", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        write_capture(std::max<std::size_t>(setting.frames + 2 * longest_block, sample_rate()));
    }
    ~FileRig() {
        if (memory_file_ >= 0)
            ::close(memory_file_);
        std::filesystem::remove_all(folder_);
    }
    FileRig(const FileRig&) = delete;
    FileRig& operator=(const FileRig&) = delete;

    [[nodiscard]] io::StreamConfig config() const {
        return {.input_channels = setting_.channels, .output_channels = setting_.channels};
    }
    /// Each opened driver plays to a file of its own.
    [[nodiscard]] io::file::Options options() const {
        playback_paths_.push_back(
            memory_file_ >= 0 ? "/proc/self/fd/" + std::to_string(memory_file_)
                              : (folder_ / (std::to_string(playback_paths_.size()) + ".wav")).string());
        return {.capture_path = capture_path_.native(),
                .playback_path = playback_paths_.back(),
                .paced = Paced,
                .loop = setting_.wiring == Wiring::none && setting_.end_after == 0,
                .end_after_frames = setting_.end_after,
                .quantum = setting_.quantum};
    }
    [[nodiscard]] std::uint32_t sample_rate() const { return 48000; }
    void connect(DriverOf<FileRig>&) {}

    [[nodiscard]] bool complete() const { return true; }
    [[nodiscard]] std::span<const float> kept(std::uint32_t channel) {
        read_playback();
        return kept_[channel];
    }
    [[nodiscard]] std::uint64_t disturbances() const { return 0; }
    void follow_changes(DriverOf<FileRig>&) {}

    /// As a full disk does it, but for this file only.
    void lose(const Loss&) { ::fcntl(memory_file_, F_ADD_SEALS, F_SEAL_GROW); }
    /// From now on there are ordinary ones again.
    void restore() {
        ::close(memory_file_);
        memory_file_ = -1;
    }

private:
    static constexpr std::size_t longest_block = 8192;

    void write_capture(std::size_t frames) {
        std::vector<int> samples(frames *
                                 setting_.channels); // (from float libsndfile would scale by 2^23 - 1)
        for (std::size_t frame = 0; frame < frames; ++frame)
            for (std::uint32_t channel = 0; channel < setting_.channels; ++channel)
                samples[frame * setting_.channels + channel] =
                    static_cast<int>(signal(channel, frame) * 0x1p31F);
        SF_INFO info{};
        info.samplerate = static_cast<int>(sample_rate());
        info.channels = static_cast<int>(setting_.channels);
        info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_24;
        SNDFILE* const file = sf_open(capture_path_.c_str(), SFM_WRITE, &info);
        const auto count = static_cast<sf_count_t>(frames);
        if (file == nullptr || sf_writef_int(file, samples.data(), count) != count || sf_close(file) != 0)
            throw std::runtime_error("the file to capture cannot be written");
    }

    /// The first frames of what was played last.
    void read_playback() {
        SF_INFO info{};
        SNDFILE* const file = sf_open(playback_paths_.back().c_str(), SFM_READ, &info);
        if (file == nullptr)
            throw std::runtime_error("there is no playback file");
        std::vector<float> samples(setting_.frames * setting_.channels);
        const auto frames = static_cast<std::size_t>(
            sf_readf_float(file, samples.data(), static_cast<sf_count_t>(setting_.frames)));
        sf_close(file);
        for (std::uint32_t channel = 0; channel < setting_.channels; ++channel) {
            kept_[channel].resize(frames);
            for (std::size_t frame = 0; frame < frames; ++frame)
                kept_[channel][frame] = samples[frame * setting_.channels + channel];
        }
    }

    Setting setting_;
    std::filesystem::path folder_;
    std::filesystem::path capture_path_;
    int memory_file_ = -1;                           ///< played to in place of one in the folder
    mutable std::deque<std::string> playback_paths_; // options() refer to them
    std::vector<std::vector<float>> kept_;
};

} // namespace conformance
