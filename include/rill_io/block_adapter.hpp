// SPDX-License-Identifier: MIT
#pragma once

// BlockAdapter: gives the graph a fixed block whatever quantum the server delivers.
//
// When the block divides the quantum the graph works in the server's own memory, block after block: nothing
// is copied and nothing added. Otherwise most blocks still do; but one that begins in one cycle and ends in
// another has memory of its own, on both sides. Let b be the block, q the quantum, r the frames of input that
// wait for the rest of their block and o those of output that wait for the next cycle. After a cycle r + o
// stays what was primed, L; a cycle can be served if L >= (r + n q) mod b for every n, so L = b - g + (r mod
// g) with g = gcd(q, b) is enough and the least possible: b - g for a fixed quantum, b - 1 at most for any
// sequence of quanta. When a new quantum needs more than there is, the difference is inserted as silence;
// nothing is ever dropped, so the latency does not shrink before restart().
//
// One block on each side is enough: a block runs as soon as it is complete, so r < b; and only when the one
// before is used up (r >= b means o = L - r + n < n). What is played is ahead of what is read in its cycle:
// if both may be the same memory, what comes in is copied first.

#include <rill_io/config.hpp>
#include <rill_io/window.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <utility>
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
        input_blocks_.assign(std::size_t{inputs} * block, 0.0F);
        input_copies_.assign(block == 0 ? 0 : std::size_t{inputs} * max_quantum, 0.0F);
        output_blocks_.assign(std::size_t{outputs} * block, 0.0F);
        for (std::uint32_t channel = 0; channel < inputs && block != 0; ++channel)
            copied_inputs_[channel] = input_copy(channel);
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
        latency_ = primed_for_ = 0;
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
    /// are filled up with silence, and at least one block runs, so that the graph learns of the end.
    /// `Inputs`, `Outputs`: the numbers of channels, where they are known when compiling. Thread: cycle.
    /// Realtime-safe: yes, if run_block is.
    template <std::size_t Inputs = std::dynamic_extent, std::size_t Outputs = std::dynamic_extent,
              class RunBlock>
    void cycle(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t frames, bool final,
               const RunBlock& run_block) noexcept {
        if (adapts_ || (block_ != 0 && frames % block_ != 0)) {
            // Most streams are stereo: with constants short blocks cost less (docs/speed.md).
            if constexpr (Inputs == std::dynamic_extent && Outputs == std::dynamic_extent)
                if (inputs_ == 2 && outputs_ == 2)
                    return adapted_cycle<2, 2>(capture, playback, frames, final, run_block);
            return adapted_cycle<Inputs, Outputs>(capture, playback, frames, final, run_block);
        }

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
    /// A pointer for each channel.
    template <class Sample>
    using Pointers = std::array<Sample*, max_channels>;

    // Below, the numbers of channels are arguments of functions that are inlined: they may be constants.

    template <std::size_t Inputs, std::size_t Outputs, class RunBlock>
    void adapted_cycle(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t frames, bool final,
                       const RunBlock& run_block) noexcept {
        const std::uint32_t inputs = Inputs == std::dynamic_extent ? inputs_ : Inputs;
        const std::uint32_t outputs = Outputs == std::dynamic_extent ? outputs_ : Outputs;
        adapts_ = true;
        for (std::uint32_t channel = 0; channel < inputs; ++channel)
            server_inputs_[channel] = capture.input(channel);
        for (std::uint32_t channel = 0; channel < outputs; ++channel)
            server_outputs_[channel] = playback.outputs()[channel];
        capture.set_frames(block_);
        playback.set_frames(block_);

        prime(frames);
        const bool copies = shares_memory(inputs, outputs, frames);
        const bool one_more = final && (inputs != 0 ? (waiting_ + frames) % block_ != 0 : ready_ >= frames);
        for (std::uint32_t done = 0;
             done < frames;) { // in pieces only if the cycle is longer than max_quantum
            const std::uint32_t piece = std::min(max_quantum, frames - done);
            const std::uint32_t to_come = frames - done - piece;
            if (copies)
                copy_inputs(inputs, done, piece);
            const Pointers<const float>& from = copies ? copied_inputs_ : server_inputs_;
            const std::uint32_t end = copies ? piece : done + piece; // of the piece in `from`
            std::int32_t offset = next_offset(inputs, done);
            std::uint32_t to_read = piece;
            std::uint32_t filled = pop_output(outputs, done, piece); // frames that the server has
            // Without capture nothing has to be waited for: blocks are made as they are needed.
            while (inputs != 0 ? waiting_ + to_read >= block_ : filled < piece) {
                const bool last = inputs != 0 ? waiting_ + to_read + to_come < 2 * block_
                                              : filled + block_ >= piece + to_come;
                if (inputs != 0)
                    to_read -= show_next_input(inputs, capture, from, end - to_read);
                const bool reaches_beyond = outputs != 0 && piece - filled < block_;
                for (std::uint32_t channel = 0; channel < outputs; ++channel)
                    playback.set_output(channel, reaches_beyond ? output_block(channel)
                                                                : server_outputs_[channel] + done + filled);
                run_block(BlockPlace{block_, offset, last && !one_more});
                offset += static_cast<std::int32_t>(block_);
                if (reaches_beyond)
                    ready_ = block_;
                filled += reaches_beyond ? pop_output(outputs, done + filled, piece - filled) : block_;
            }
            keep_input(inputs, from, end - to_read, to_read);
            done += piece;
        }
        if (one_more) {
            const std::int32_t offset = next_offset(inputs, frames);
            fill_up_input_block();
            show_input_block(inputs, capture);
            for (std::uint32_t channel = 0; channel < outputs; ++channel)
                playback.set_output(channel, output_block(channel)); // nobody hears it
            run_block(BlockPlace{block_, offset, true});
        }
    }

    /// Whether what is played may overwrite what is still to be read: yes, unless all inputs are before all
    /// outputs, or behind them.
    [[gnu::always_inline, nodiscard]] bool shares_memory(std::uint32_t inputs, std::uint32_t outputs,
                                                         std::uint32_t frames) const noexcept {
        if (inputs == 0 || outputs == 0)
            return false;
        const auto range = [](const auto& pointers, std::uint32_t count) {
            std::pair ends{UINTPTR_MAX, std::uintptr_t{0}};
            for (std::uint32_t channel = 0; channel < count; ++channel) {
                const auto address = reinterpret_cast<std::uintptr_t>(pointers[channel]);
                ends = {std::min(ends.first, address), std::max(ends.second, address)};
            }
            return ends;
        };
        const auto [first_input, last_input] = range(server_inputs_, inputs);
        const auto [first_output, last_output] = range(server_outputs_, outputs);
        const std::size_t bytes = std::size_t{frames} * sizeof(float);
        return first_input < last_output + bytes && first_output < last_input + bytes;
    }

    /// Where the next block begins once `done` frames of the cycle have gone through: behind what came in, or
    /// ahead of what is played.
    [[nodiscard]] std::int32_t next_offset(std::uint32_t inputs, std::uint32_t done) const noexcept {
        return static_cast<std::int32_t>(done) +
               (inputs != 0 ? -static_cast<std::int32_t>(waiting_) : static_cast<std::int32_t>(ready_));
    }

    /// Makes sure that every later cycle of `frames` frames can be served.
    void prime(std::uint32_t frames) noexcept {
        if (frames == primed_for_)
            return;
        primed_for_ = frames;
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

    /// `count` frames from `from` on, to copied_inputs_: they stay, whatever is played.
    void copy_inputs(std::uint32_t inputs, std::uint32_t from, std::uint32_t count) noexcept {
        for (std::uint32_t channel = 0; channel < inputs; ++channel)
            std::memcpy(input_copy(channel), server_inputs_[channel] + from, count * sizeof(float));
    }

    /// Shows the block that ends behind what waits, from frame `at` on. The frames from there that it has.
    [[gnu::always_inline]] std::uint32_t show_next_input(std::uint32_t inputs, CaptureWindow& capture,
                                                         const Pointers<const float>& from,
                                                         std::uint32_t at) noexcept {
        if (waiting_ == 0) {
            for (std::uint32_t channel = 0; channel < inputs; ++channel)
                capture.set_input(channel, from[channel] + at);
            return block_;
        }
        const std::uint32_t missing = block_ - waiting_;
        keep_input(inputs, from, at, missing);
        show_input_block(inputs, capture);
        return missing;
    }
    /// Has `count` frames from `at` on wait for the rest of their block.
    [[gnu::always_inline]] void keep_input(std::uint32_t inputs, const Pointers<const float>& from,
                                           std::uint32_t at, std::uint32_t count) noexcept {
        if (inputs == 0 || count == 0)
            return;
        // (Members are read anew after each memcpy: hence these.)
        float* place = input_block(0) + waiting_;
        const std::size_t step = block_;
        for (std::uint32_t channel = 0; channel < inputs; ++channel, place += step)
            std::memcpy(place, from[channel] + at, count * sizeof(float));
        waiting_ += count;
    }
    [[gnu::always_inline]] void show_input_block(std::uint32_t inputs, CaptureWindow& capture) noexcept {
        for (std::uint32_t channel = 0; channel < inputs; ++channel)
            capture.set_input(channel, input_block(channel));
        waiting_ = 0;
    }
    /// Silence behind what waits.
    void fill_up_input_block() noexcept {
        for (std::uint32_t channel = 0; channel < inputs_; ++channel)
            std::memset(input_block(channel) + waiting_, 0, (block_ - waiting_) * sizeof(float));
    }

    /// Gives the server up to `count` frames of those that wait, from `to` on; how many.
    [[gnu::always_inline]] std::uint32_t pop_output(std::uint32_t outputs, std::uint32_t to,
                                                    std::uint32_t count) noexcept {
        const std::uint32_t popped = std::min(ready_, count);
        if (popped == 0)
            return 0;
        const float* waiting = output_waiting(0);
        const std::size_t step = block_;
        for (std::uint32_t channel = 0; channel < outputs; ++channel, waiting += step)
            std::memcpy(server_outputs_[channel] + to, waiting, popped * sizeof(float));
        ready_ -= popped;
        return popped;
    }

    [[nodiscard]] float* input_block(std::uint32_t channel) noexcept {
        return input_blocks_.data() + std::size_t{channel} * block_;
    }
    [[nodiscard]] float* input_copy(std::uint32_t channel) noexcept {
        return input_copies_.data() + std::size_t{channel} * max_quantum;
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
    std::uint32_t waiting_ = 0; ///< frames in the input blocks
    std::uint32_t ready_ = 0;   ///< frames of the output blocks that the server has not got yet
    std::uint32_t latency_ = 0;
    std::uint32_t primed_for_ = 0; ///< the quantum that latency_ suffices for
    bool adapts_ = false;
    Pointers<const float> server_inputs_{};
    Pointers<float> server_outputs_{};
    Pointers<const float> copied_inputs_{}; ///< where input_copies_ has them
    std::vector<float> input_blocks_;       ///< one block for each input
    std::vector<float> input_copies_;       ///< the largest quantum for each input
    std::vector<float> output_blocks_;      ///< one block for each output
};

} // namespace rill::io
