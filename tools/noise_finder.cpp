// SPDX-License-Identifier: MIT
#include "noise_finder.hpp"

#include "test_noise.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace rill::io::tools {

namespace {

using namespace std::chrono_literals;
constexpr auto empty_ring_pause = 5ms;
constexpr std::uint32_t longest_round_trip_s = 2; // more than any sound path has
constexpr std::uint32_t equal_window = 32;        // 22 random bits each: no chance of a false one
constexpr std::size_t alike_window = 8192;
constexpr double least_likeness = 0.2; // of noise with noise: over 15 standard deviations at this window

} // namespace

NoiseFinder::NoiseFinder(ChunkRing& ring, std::uint32_t sample_rate, std::uint64_t compare_frames,
                         std::uint64_t search_frames)
    : ring_(&ring),
      compare_frames_(compare_frames),
      search_frames_(search_frames),
      longest_round_trip_(std::uint64_t{longest_round_trip_s} * sample_rate),
      thread_([this] { run(); }) {}

NoiseFinder::~NoiseFinder() {
    if (thread_.joinable())
        thread_.join();
}

NoiseFinder::Finding NoiseFinder::finish() {
    thread_.join();
    return finding_;
}

void NoiseFinder::run() {
    ChunkRing::Chunk chunk;
    while (!chunk.last) {
        if (!ring_->take_full(chunk)) {
            std::this_thread::sleep_for(empty_ring_pause);
            continue;
        }
        if (!done())
            take(chunk);
        ring_->give_empty(chunk.index);
    }
}

void NoiseFinder::take(const ChunkRing::Chunk& chunk) {
    if (finding_.found) {
        compare(chunk, 0);
        return;
    }
    keep(chunk);
    searched_frames_ += chunk.frames;
    const bool last_try = searched_frames_ >= search_frames_;
    // Channels may be connected one after the other: until the end only all of them together will do.
    if (chunk.frames >= equal_window && search_equal(chunk, last_try ? 1 : ring_->num_channels())) {
        compare(chunk, chunk.frames - equal_window);
    } else if (last_try) {
        search_alike();
        if (!finding_.found)
            done_.store(true, std::memory_order_relaxed);
    }
}

bool NoiseFinder::search_equal(const ChunkRing::Chunk& chunk, std::uint32_t least_channels) {
    const std::uint32_t first = chunk.frames - equal_window;
    const std::uint64_t position = chunk.position + first;
    const auto equals = [&](std::uint32_t channel, std::uint64_t trip) {
        const float* const samples = ring_->channel(chunk.index, channel) + first;
        std::uint32_t equal = 0;
        while (equal < equal_window && samples[equal] == noise_sample(position - trip + equal, channel))
            ++equal;
        return equal == equal_window;
    };
    for (std::uint64_t trip = 0; trip <= std::min(longest_round_trip_, position); ++trip) {
        std::uint32_t channels = 0;
        for (std::uint32_t channel = 0; channel < ring_->num_channels(); ++channel)
            channels += equals(channel, trip) ? 1U : 0U;
        if (channels >= least_channels) {
            finding_.found = finding_.exact = true;
            finding_.round_trip_frames = trip;
            return true;
        }
    }
    return false;
}

void NoiseFinder::keep(const ChunkRing::Chunk& chunk) {
    const float* const samples = ring_->channel(chunk.index, 0);
    if (chunk.position != kept_until_)
        kept_.clear(); // frames were lost in between
    kept_.insert(kept_.end(), samples, samples + chunk.frames);
    if (kept_.size() > alike_window)
        kept_.erase(kept_.begin(), kept_.end() - static_cast<std::ptrdiff_t>(alike_window));
    kept_until_ = chunk.position + chunk.frames;
}

void NoiseFinder::search_alike() {
    const std::size_t window = kept_.size();
    const std::uint64_t position = kept_until_ - window;
    const std::uint64_t longest = std::min(longest_round_trip_, position);
    std::vector<float> sent(window + longest); // from the longest round trip ago
    for (std::size_t i = 0; i < sent.size(); ++i)
        sent[i] = noise_sample(position - longest + i, 0);
    const auto product = [window](const float* a, const float* b) {
        double sum = 0.0;
        for (std::size_t i = 0; i < window; ++i)
            sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
        return sum;
    };
    const double energy = product(kept_.data(), kept_.data());
    double best = 0.0;
    for (std::uint64_t trip = 0; trip <= longest && energy > 0.0; ++trip) {
        const float* const piece = sent.data() + (longest - trip);
        const double common = product(kept_.data(), piece);
        const double likeness = std::fabs(common) / std::sqrt(energy * product(piece, piece));
        if (likeness < least_likeness || likeness <= best)
            continue;
        best = likeness;
        finding_.found = true;
        finding_.round_trip_frames = trip;
        finding_.gain = common / product(piece, piece);
    }
}

void NoiseFinder::compare(const ChunkRing::Chunk& chunk, std::uint32_t first) {
    const std::uint64_t done = compared_frames();
    const auto count =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(chunk.frames - first, compare_frames_ - done));
    const std::uint64_t position = chunk.position + first - finding_.round_trip_frames;
    for (std::uint32_t channel = 0; channel < ring_->num_channels(); ++channel) {
        const float* const samples = ring_->channel(chunk.index, channel) + first;
        for (std::uint32_t i = 0; i < count; ++i)
            finding_.mismatched_samples += samples[i] != noise_sample(position + i, channel) ? 1U : 0U;
    }
    finding_.compared_samples += std::uint64_t{count} * ring_->num_channels();
    compared_frames_.store(done + count, std::memory_order_relaxed);
    if (done + count == compare_frames_)
        done_.store(true, std::memory_order_relaxed);
}

} // namespace rill::io::tools
