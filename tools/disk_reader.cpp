// SPDX-License-Identifier: MIT
#include "disk_reader.hpp"

#include <samplerate.h>

#include <algorithm>
#include <chrono>
#include <limits>

namespace rill::io::tools {

namespace {

using namespace std::chrono_literals;
constexpr auto full_ring_pause = 5ms; // a fraction of a chunk
constexpr std::uint32_t refill_frames = 4096;

/// Interleaved samples of `from` channels as planar ones of the ring's channels. One channel plays on both of
/// the first two; a stereo or wider file on one channel is averaged; otherwise channel plays on channel, and
/// those that only one side has stay silent or unheard.
void spread(const float* interleaved, std::uint32_t from, std::size_t frames, ChunkRing& ring,
            std::uint32_t index) {
    const std::uint32_t to = ring.num_channels();
    for (std::uint32_t channel = 0; channel < to; ++channel) {
        float* const out = ring.channel(index, channel);
        const std::uint32_t source = from == 1 && channel == 1 ? 0 : channel;
        if (to == 1 && from > 1) {
            for (std::size_t i = 0; i < frames; ++i) {
                float sum = 0.0F;
                for (std::uint32_t k = 0; k < from; ++k)
                    sum += interleaved[i * from + k];
                out[i] = sum / static_cast<float>(from);
            }
        } else if (source < from) {
            for (std::size_t i = 0; i < frames; ++i)
                out[i] = interleaved[i * from + source];
        } else {
            std::fill_n(out, frames, 0.0F);
        }
    }
}

} // namespace

void DiskReader::DeleteResampler::operator()(SRC_STATE_tag* state) const noexcept {
    src_delete(state);
}

DiskReader::DiskReader(file::Reader& file, ChunkRing& ring, const Plan& plan)
    : file_(&file),
      ring_(&ring),
      plan_(plan),
      ratio_(static_cast<double>(plan.sample_rate) / static_cast<double>(file.sample_rate())),
      left_frames_(plan.limit_frames != 0 ? plan.limit_frames : std::numeric_limits<std::uint64_t>::max()),
      file_samples_(std::size_t{refill_frames} * file.channels()),
      samples_(std::size_t{ring.chunk_frames()} * file.channels()) {}

DiskReader::~DiskReader() = default;

Result<void> DiskReader::start(const std::stop_token& stop) {
    if (auto prepared = file_->prepare(std::max(refill_frames, ring_->chunk_frames())); !prepared)
        return prepared;
    if (file_->sample_rate() != plan_.sample_rate) {
        int status = 0;
        resampler_.reset(src_is_valid_ratio(ratio_) == 0
                             ? nullptr
                             : src_callback_new(&DiskReader::refill, SRC_SINC_BEST_QUALITY,
                                                static_cast<int>(file_->channels()), &status, this));
        if (resampler_ == nullptr)
            return Error::make(
                Errc::unsupported_rate, "", "resample", status,
                "the file's %u Hz can't be resampled to the stream's %u Hz; the ratio may be 1/256 to 256",
                file_->sample_rate(), plan_.sample_rate);
    }
    thread_ = std::jthread([this](const std::stop_token& own_stop) { run(own_stop); });
    while (!ahead_.load(std::memory_order_acquire) && !stop.stop_requested())
        std::this_thread::sleep_for(1ms);
    return {};
}

Result<void> DiskReader::status() const {
    const std::lock_guard lock(mutex_);
    return status_;
}

void DiskReader::run(const std::stop_token& stop) {
    ChunkRing::Chunk chunk;
    while (!stop.stop_requested() && !chunk.last) {
        if (!ring_->take_empty(chunk.index)) {
            ahead_.store(true, std::memory_order_release);
            std::this_thread::sleep_for(full_ring_pause);
            continue;
        }
        chunk.frames = fill(chunk.index);
        chunk.last = chunk.frames == 0;
        if (const Error* const failure = file_->failure(); chunk.last && failure != nullptr) {
            const std::lock_guard lock(mutex_);
            status_ = *failure;
        }
        ring_->give_full(chunk);
    }
    ahead_.store(true, std::memory_order_release);
}

std::uint32_t DiskReader::fill(std::uint32_t index) {
    const auto wanted =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(left_frames_, ring_->chunk_frames()));
    const std::size_t frames = resampler_ == nullptr
                                   ? file_->read_interleaved(samples_.data(), wanted).frames
                                   : static_cast<std::size_t>(std::max(
                                         0L, src_callback_read(resampler_.get(), ratio_,
                                                               static_cast<long>(wanted), samples_.data())));
    spread(samples_.data(), file_->channels(), frames, *ring_, index);
    left_frames_ -= frames;
    return static_cast<std::uint32_t>(frames);
}

long DiskReader::refill(void* self, float** data) {
    auto& reader = *static_cast<DiskReader*>(self);
    *data = reader.file_samples_.data();
    return static_cast<long>(
        reader.file_->read_interleaved(reader.file_samples_.data(), refill_frames).frames);
}

} // namespace rill::io::tools
