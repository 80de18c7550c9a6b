// SPDX-License-Identifier: MIT
#pragma once

// BlockAdapter: gives the graph a fixed block whatever quantum the server delivers.
//
// When the block divides the quantum the graph works in the server's own memory, block after block: nothing
// is copied and nothing added. Otherwise memory stands in between. Let b be the block, q the quantum, r the
// frames waiting in the input ring and o those of output that wait. After a cycle r + o stays what was
// primed, L; a cycle can be served if L >= (r + n q) mod b for every n, so L = b - g + (r mod g) with g =
// gcd(q, b) is enough and the least possible: b - g for a fixed quantum, b - 1 at most for any sequence of
// quanta. When a new quantum needs more than there is, the difference is inserted as silence; nothing is ever
// dropped, so the latency does not shrink before restart().
//
// What comes in is copied once: the input ring's length is a multiple of the block and blocks start at
// multiples of it, so that a block is contiguous and the graph reads it there. The ring goes round in no more
// memory than the quantum at hand needs, so that it stays in the processor's cache. What goes out is written
// into the server's memory at once, but for the block that reaches beyond the cycle: what is left of it is
// all that ever waits, for a block runs only when the one before is used up (r >= b means o = L - r + n < n).
// (Blocks are not read from the server's memory: it may be the same as that for the output, where a block
// would overwrite what the next one reads.)

#include <rill_io/config.hpp>
#include <rill_io/window.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

namespace rill::io {

/// Where a block lies in its cycle.
struct BlockPlace {
    std::uint32_t frames = 0; ///< of the block
    std::int32_t offset = 0;  ///< its first frame relative to the cycle's; negative if it came in earlier
    bool last = true;         ///< no further block in this cycle
};

class BlockAdapter {
public:
    /// Allocates for the largest quantum. `block` 0: no fixed block, one callback per cycle.
    /// Thread: control. Realtime-safe: no.
    void allocate(std::uint32_t inputs, std::uint32_t outputs, std::uint32_t block) {
        block_ = block;
        inputs_ = inputs;
        outputs_ = outputs;
        ring_frames_ = block == 0 ? 0 : round_for(max_quantum);
        input_ring_.assign(std::size_t{inputs} * ring_frames_, 0.0F);
        output_blocks_.assign(std::size_t{outputs} * block, 0.0F);
        restart();
    }

    /// What latency() will be with a fixed quantum. 0 for a block or a quantum that is not known (0).
    [[nodiscard]] static constexpr std::uint32_t latency_for(std::uint32_t block,
                                                             std::uint32_t quantum) noexcept {
        return block == 0 || quantum == 0 ? 0 : block - std::gcd(block, quantum);
    }

    /// Forgets what is in flight; the next cycle primes anew. Thread: control or cycle, not during a cycle.
    void restart() noexcept {
        waiting_ = ready_ = 0;
        input_write_ = input_read_ = 0;
        latency_ = primed_for_ = 0;
        round_ = 0;
        adapts_ = false;
    }

    /// Frames that the adapter adds to the way from input to output at present. Thread: cycle.
    [[nodiscard]] std::uint32_t latency() const noexcept { return latency_; }

    /// True if a cycle of this many frames is just one block in the server's memory. Thread: cycle.
    [[nodiscard]] bool is_single_block(std::uint32_t frames) const noexcept {
        return !adapts_ && (block_ == 0 ? frames <= max_quantum : frames == block_);
    }

    /// Runs one cycle. The windows show the server's memory, `frames` frames; `run_block(BlockPlace)` is
    /// called with the windows showing one block. `final`: no cycle follows; frames that do not fill a block
    /// are filled up with silence, and at least one block runs, so that the graph learns of the end. Thread:
    /// cycle. Realtime-safe: yes, if run_block is.
    template <class RunBlock>
    void cycle(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t frames, bool final,
               const RunBlock& run_block) noexcept {
        if (adapts_ || (block_ != 0 && frames % block_ != 0))
            return adapted_cycle(capture, playback, frames, final, run_block);

        const std::uint32_t piece = block_ != 0 ? block_ : max_quantum;
        for (std::uint32_t done = 0; done < frames;) {
            const std::uint32_t count = std::min(piece, frames - done);
            capture.set_frames(count);
            playback.set_frames(count);
            run_block(BlockPlace{count, static_cast<std::int32_t>(done), done + count == frames});
            done += count;
            if (done < frames) {
                capture.advance(count);
                playback.advance(count);
            }
        }
    }

private:
    template <class RunBlock>
    void adapted_cycle(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t frames, bool final,
                       const RunBlock& run_block) noexcept {
        adapts_ = true;
        for (std::uint32_t channel = 0; channel < inputs_; ++channel)
            server_inputs_[channel] = capture.input(channel);
        for (std::uint32_t channel = 0; channel < outputs_; ++channel)
            server_outputs_[channel] = playback.outputs()[channel];
        capture.set_frames(block_);
        playback.set_frames(block_);

        prime(frames);
        const bool one_more = final && (inputs_ != 0 ? (waiting_ + frames) % block_ != 0 : ready_ >= frames);
        for (std::uint32_t done = 0;
             done < frames;) { // in pieces only if the cycle is longer than max_quantum
            const std::uint32_t piece = std::min(max_quantum, frames - done);
            std::int32_t offset = next_offset(done);
            if (inputs_ != 0)
                push_input(done, piece);
            std::uint32_t filled = pop_output(done, piece); // frames of the piece that the server has
            // Without capture nothing has to be waited for: blocks are made as they are needed.
            while (inputs_ != 0 ? waiting_ >= block_ : filled < piece) {
                const std::uint32_t to_come = frames - done - piece;
                const bool last =
                    inputs_ != 0 ? waiting_ + to_come < 2 * block_ : filled + block_ >= piece + to_come;
                const bool reaches_beyond = outputs_ != 0 && piece - filled < block_;
                show_input(capture);
                if (reaches_beyond)
                    show_output_block(playback);
                else
                    show_output(playback, done + filled);
                run_block(BlockPlace{block_, offset, last && !one_more});
                offset += static_cast<std::int32_t>(block_);
                take_input();
                if (reaches_beyond)
                    ready_ = block_;
                filled += reaches_beyond ? pop_output(done + filled, piece - filled) : block_;
            }
            done += piece;
        }
        if (one_more) {
            const std::int32_t offset = next_offset(frames);
            fill_up_block();
            show_input(capture);
            show_output_block(playback); // nobody hears it
            run_block(BlockPlace{block_, offset, true});
            take_input();
        }
    }

    /// Where the next block begins once `done` frames of the cycle have gone through: behind what came in, or
    /// ahead of what is played.
    [[nodiscard]] std::int32_t next_offset(std::uint32_t done) const noexcept {
        return static_cast<std::int32_t>(done) +
               (inputs_ != 0 ? -static_cast<std::int32_t>(waiting_) : static_cast<std::int32_t>(ready_));
    }

    /// Makes sure that every later cycle of `frames` frames can be served.
    void prime(std::uint32_t frames) noexcept {
        if (frames == primed_for_)
            return;
        primed_for_ = frames;
        // (What is in the input ring is less than a block, and contiguous: it may go round in more.)
        round_ = std::max(round_, round_for(std::min(frames, max_quantum)));
        const std::uint32_t divisor = std::gcd(frames, block_);
        const std::uint32_t phase = inputs_ != 0 ? waiting_ : ready_;
        const std::uint32_t needed = frames > max_quantum ? block_ - 1 : block_ - divisor + phase % divisor;
        if (inputs_ == 0 || outputs_ == 0) { // one direction only: nothing to keep in step, nothing to insert
            latency_ = needed;
            return;
        }
        if (needed <= latency_)
            return;
        const std::uint32_t missing = needed - latency_;
        ready_ += missing; // less than a block still: o <= L < b
        for (std::uint32_t channel = 0; channel < outputs_; ++channel)
            std::memset(output_waiting(channel), 0, missing * sizeof(float));
        latency_ = needed;
    }

    /// The frames that the input ring needs for cycles of `frames` frames.
    [[nodiscard]] std::uint32_t round_for(std::uint32_t frames) const noexcept {
        return (frames + 3 * block_ - 1) / block_ * block_;
    }
    [[nodiscard]] std::uint32_t wrapped(std::uint32_t frame) const noexcept {
        return frame < round_ ? frame : frame - round_;
    }

    void push_input(std::uint32_t from, std::uint32_t count) noexcept {
        const std::uint32_t first = std::min(count, round_ - input_write_);
        for (std::uint32_t channel = 0; channel < inputs_; ++channel)
            std::memcpy(input_ring(channel) + input_write_, server_inputs_[channel] + from,
                        first * sizeof(float));
        if (first != count)
            for (std::uint32_t channel = 0; channel < inputs_; ++channel)
                std::memcpy(input_ring(channel), server_inputs_[channel] + from + first,
                            (count - first) * sizeof(float));
        input_write_ = wrapped(input_write_ + count);
        waiting_ += count;
    }

    /// Silence behind what waits; a block is contiguous.
    void fill_up_block() noexcept {
        if (inputs_ == 0)
            return;
        const std::uint32_t missing = block_ - waiting_;
        for (std::uint32_t channel = 0; channel < inputs_; ++channel)
            std::memset(input_ring(channel) + input_write_, 0, missing * sizeof(float));
        input_write_ = wrapped(input_write_ + missing);
        waiting_ = block_;
    }

    /// Gives the server up to `count` frames of those that wait; how many.
    std::uint32_t pop_output(std::uint32_t to, std::uint32_t count) noexcept {
        const std::uint32_t popped = std::min(ready_, count);
        if (popped != 0)
            for (std::uint32_t channel = 0; channel < outputs_; ++channel)
                std::memcpy(server_outputs_[channel] + to, output_waiting(channel), popped * sizeof(float));
        ready_ -= popped;
        return popped;
    }

    void show_input(CaptureWindow& capture) noexcept {
        for (std::uint32_t channel = 0; channel < inputs_; ++channel)
            capture.set_input(channel, input_ring(channel) + input_read_);
    }
    void take_input() noexcept {
        if (inputs_ == 0)
            return;
        input_read_ = wrapped(input_read_ + block_);
        waiting_ -= block_;
    }
    void show_output(PlaybackWindow& playback, std::uint32_t to) noexcept {
        for (std::uint32_t channel = 0; channel < outputs_; ++channel)
            playback.set_output(channel, server_outputs_[channel] + to);
    }
    void show_output_block(PlaybackWindow& playback) noexcept {
        for (std::uint32_t channel = 0; channel < outputs_; ++channel)
            playback.set_output(channel, output_block(channel));
    }

    [[nodiscard]] float* input_ring(std::uint32_t channel) noexcept {
        return input_ring_.data() + std::size_t{channel} * ring_frames_;
    }
    [[nodiscard]] float* output_block(std::uint32_t channel) noexcept {
        return output_blocks_.data() + std::size_t{channel} * block_;
    }
    /// The block's last `ready_` frames.
    [[nodiscard]] float* output_waiting(std::uint32_t channel) noexcept {
        return output_block(channel) + (block_ - ready_);
    }

    std::uint32_t block_ = 0;
    std::uint32_t inputs_ = 0;
    std::uint32_t outputs_ = 0;
    std::uint32_t ring_frames_ = 0; ///< for each input
    std::uint32_t round_ = 0;       ///< of these the ring goes round in
    std::uint32_t waiting_ = 0;     ///< frames in the input ring
    std::uint32_t ready_ = 0;       ///< frames of the output blocks that the server has not got yet
    std::uint32_t input_write_ = 0;
    std::uint32_t input_read_ = 0;
    std::uint32_t latency_ = 0;
    std::uint32_t primed_for_ = 0; ///< the quantum that latency_ suffices for
    bool adapts_ = false;
    std::array<const float*, max_channels> server_inputs_{};
    std::array<float*, max_channels> server_outputs_{};
    std::vector<float> input_ring_;
    std::vector<float> output_blocks_; ///< one block for each output
};

} // namespace rill::io
