// SPDX-License-Identifier: MIT
#pragma once

// Chain: nodes in a row, composed at compile time: `input >> gain >> output`.
//
// The types fix channel counts and block size; a mismatch does not compile. The signal goes through as little
// memory as possible: nodes read where the source's samples lie and write where the sink wants them,
// neighbouring elementwise nodes are one pass, and a copy is made only where a sink takes samples that nobody
// has changed.

#include <rill_io/audio_block.hpp>
#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/error.hpp>
#include <rill_io/frame_range.hpp>
#include <rill_io/kernel.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace rill::io {

namespace detail {

template <class N>
consteval std::size_t block_of() {
    if constexpr (requires { std::remove_reference_t<N>::block; })
        return std::remove_reference_t<N>::block;
    else
        return dynamic_extent;
}

/// The one block size that is fixed among the nodes, dynamic_extent if none is.
template <class... Nodes>
consteval std::size_t common_block() {
    std::size_t common = dynamic_extent;
    ((common = block_of<Nodes>() != dynamic_extent ? block_of<Nodes>() : common), ...);
    return common;
}

/// What a chain's ends say about themselves; dynamic_extent if they say nothing.
template <class N>
consteval std::size_t inputs_of() {
    if constexpr (requires { N::num_inputs; })
        return N::num_inputs;
    else
        return dynamic_extent;
}
template <class N>
consteval std::size_t outputs_of() {
    if constexpr (requires { N::num_outputs; })
        return N::num_outputs;
    else
        return dynamic_extent;
}
template <class N>
consteval bool fills_playback_of() {
    if constexpr (requires { N::fills_playback; })
        return N::fills_playback;
    else
        return false;
}

template <class... Nodes>
consteval bool blocks_agree() {
    return ((block_of<Nodes>() == dynamic_extent || block_of<Nodes>() == common_block<Nodes...>()) && ...);
}

/// Memory for a chain whose sink cannot be written into.
template <std::size_t Channels>
class Scratch {
public:
    void allocate(std::size_t channels, std::size_t frames) {
        samples_.assign(channels * frames, 0.0F);
        table_.resize(channels);
        for (std::size_t channel = 0; channel < channels; ++channel)
            table_[channel] = samples_.data() + channel * frames;
    }
    template <std::size_t Frames>
    [[nodiscard]] auto target(FrameRange<Frames> range) const noexcept {
        if constexpr (Channels == dynamic_extent) {
            return AudioBlock<float, Frames, dynamic_extent>(table_.data(), table_.size(), 0, range.frames());
        } else {
            std::array<float*, Channels> pointers;
            for (std::size_t channel = 0; channel < Channels; ++channel)
                pointers[channel] = table_[channel];
            return AudioBlock<float, Frames, Channels>(pointers, range.frames());
        }
    }

private:
    std::vector<float> samples_;
    std::vector<float*> table_;
};

template <class Source>
concept ViewableSource = requires(const Source& source) { source.view(FrameRange<dynamic_extent>{}); };
template <class Sink>
concept DirectSink = requires(const Sink& sink) { sink.target(FrameRange<dynamic_extent>{}); };

struct NoScratch {};

template <class N>
concept AlikeInAllChannels = requires(const N& node) { node.kernel(); };

/// One node of a chain, or a reference to one that somebody else keeps.
template <std::size_t I, class N>
struct Place {
    N node;
};
/// A chain's nodes side by side: an aggregate, for std::tuple's constructors cost the compiler seconds where
/// a chain is long.
template <class Numbers, class... Nodes>
struct Places;
template <std::size_t... I, class... Nodes>
struct Places<std::index_sequence<I...>, Nodes...> : Place<I, Nodes>... {};
template <class... Nodes>
using PlacesOf = Places<std::index_sequence_for<Nodes...>, Nodes...>;

template <std::size_t I, class N>
[[gnu::always_inline]] inline std::remove_reference_t<N>& node_at(Place<I, N>& place) noexcept {
    return place.node;
}
template <std::size_t I, class N>
std::type_identity<std::remove_reference_t<N>> type_at(const Place<I, N>&); // (to be asked for its type)

} // namespace detail

/// Nodes given as lvalues are referred to (and must outlive the chain), rvalues are moved in. A node's number
/// in `SetParameter` is its place, the source is 0.
template <class... Nodes>
class Chain {
    static constexpr std::size_t last = sizeof...(Nodes) - 1;
    template <std::size_t I>
    using NodeAt =
        typename decltype(detail::type_at<I>(std::declval<const detail::PlacesOf<Nodes...>&>()))::type;
    using First = NodeAt<0>;
    using Last = NodeAt<last>;
    static constexpr bool complete = SourceNode<First> && SinkNode<Last>;

    static consteval bool ends_in_place() {
        constexpr std::array kinds{std::remove_reference_t<Nodes>::kind...};
        for (std::size_t i = 0; i < kinds.size(); ++i)
            if ((kinds[i] == NodeKind::source && i != 0) || (kinds[i] == NodeKind::sink && i != last))
                return false;
        return true;
    }
    static consteval bool anything_writes() {
        return !detail::ViewableSource<First> ||
               ((std::remove_reference_t<Nodes>::kind == NodeKind::processor ||
                 std::remove_reference_t<Nodes>::kind == NodeKind::elementwise) ||
                ...);
    }
    static consteval bool channels_agree() {
        if constexpr (complete)
            return First::channels == Last::channels;
        else
            return true;
    }

    static_assert(ends_in_place(), "a chain's source comes first and its sink comes last");
    static_assert(detail::blocks_agree<Nodes...>(), "all nodes of a chain must have the same block size");
    static_assert(channels_agree(), "a chain's source and sink must have the same number of channels");

    static constexpr bool needs_scratch = complete && anything_writes() && !detail::DirectSink<Last>;

public:
    static constexpr std::size_t block = detail::common_block<Nodes...>();
    static constexpr std::size_t num_inputs = detail::inputs_of<First>();
    static constexpr std::size_t num_outputs = detail::outputs_of<Last>();
    static constexpr bool fills_playback = detail::fills_playback_of<Last>();

    explicit Chain(detail::PlacesOf<Nodes...>&& nodes) : nodes_(std::move(nodes)) {}

    /// The node at a place. Thread: control; what may be done with it while running is the node's to say.
    template <std::size_t I>
    [[nodiscard]] auto& node() noexcept {
        return detail::node_at<I>(nodes_);
    }

    /// Asks every node whether it can work with the stream, and allocates. Thread: control. Realtime-safe:
    /// no.
    Result<void> prepare(const StreamInfo& info) {
        Result<void> result;
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (void)((result = prepare_node(node<I>(), info)).has_value() && ...);
        }(std::index_sequence_for<Nodes...>{});
        if constexpr (complete && First::channels == dynamic_extent)
            if (result && node<0>().num_channels() != node<last>().num_channels())
                return Error::make(Errc::invalid_config, info.backend, "start", 0,
                                   "the graph's source has %zu channels, its sink %zu; make them the same",
                                   node<0>().num_channels(), node<last>().num_channels());
        if constexpr (needs_scratch)
            if (result)
                scratch_.allocate(node<0>().num_channels(), block != dynamic_extent ? block : max_quantum);
        return result;
    }

    /// False if there is no such node or parameter. Thread: cycle, or control while stopped. Realtime-safe:
    /// yes.
    bool set_parameter(std::uint16_t number, std::uint16_t parameter, float value) noexcept {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return ((number == I && set_node_parameter(node<I>(), parameter, value)) || ...);
        }(std::index_sequence_for<Nodes...>{});
    }

    /// Processes these frames of the current block. Thread: cycle. Realtime-safe: yes.
    template <std::size_t Frames>
    [[gnu::always_inline]] void process(const ClockTick& tick, FrameRange<Frames> range) noexcept {
        static_assert(complete, "a chain can only run from a source to a sink");
        const auto target = [&] {
            if constexpr (detail::DirectSink<Last>)
                return node<last>().target(range);
            else if constexpr (needs_scratch)
                return scratch_.target(range);
            else
                return detail::NoScratch{};
        }();
        if constexpr (detail::ViewableSource<First>) {
            run<1, false>(tick, range, node<0>().view(range), target);
        } else {
            node<0>().generate(tick, range, target);
            run<1, true>(tick, range, target.as_const(), target);
        }
    }

    /// The nodes, to be put into a longer chain.
    [[nodiscard]] detail::PlacesOf<Nodes...> release() && { return std::move(nodes_); }
    [[nodiscard]] detail::PlacesOf<std::remove_reference_t<Nodes>&...> refer() & {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return detail::PlacesOf<std::remove_reference_t<Nodes>&...>{{node<I>()}...};
        }(std::index_sequence_for<Nodes...>{});
    }

private:
    /// Runs the nodes from place I on. `in` is the signal so far; it lies in `target` already if InTarget.
    template <std::size_t I, bool InTarget, std::size_t Frames, class In, class Target>
    [[gnu::always_inline]] void run(const ClockTick& tick, FrameRange<Frames> range, const In& in,
                                    const Target& target) noexcept {
        if constexpr (I == last) {
            if constexpr (!InTarget || !detail::DirectSink<Last>)
                node<last>().consume(tick, range, in);
        } else if constexpr (NodeAt<I>::kind == NodeKind::observer) {
            node<I>().observe(tick, in);
            run<I + 1, InTarget>(tick, range, in, target);
        } else if constexpr (NodeAt<I>::kind == NodeKind::processor) {
            node<I>().process(tick, in, target);
            run<I + 1, true>(tick, range, target.as_const(), target);
        } else {
            constexpr std::size_t end = end_of_elementwise(I);
            if constexpr (all_channels_alike<I, end>()) {
                // Once for all channels: what a channel's samples are stored to might be the nodes themselves
                // for all that the compiler knows.
                const auto kernel = fused_kernel<I, end>();
                for_each_channel(in, [&](std::size_t channel) __attribute__((always_inline)) {
                    apply(in.channel(channel), target.channel(channel), kernel);
                });
            } else {
                for_each_channel(in, [&](std::size_t channel) __attribute__((always_inline)) {
                    apply(in.channel(channel), target.channel(channel), fused_kernel<I, end>(channel));
                });
            }
            run<end, true>(tick, range, target.as_const(), target);
        }
    }

    /// The first place from I on that is not elementwise.
    static consteval std::size_t end_of_elementwise(std::size_t place) {
        constexpr std::array kinds{std::remove_reference_t<Nodes>::kind...};
        while (kinds[place] == NodeKind::elementwise)
            ++place; // the sink ends it
        return place;
    }

    template <std::size_t I, std::size_t End>
    static consteval bool all_channels_alike() {
        return []<std::size_t... K>(std::index_sequence<K...>) {
            return (detail::AlikeInAllChannels<NodeAt<I + K>> && ...);
        }(std::make_index_sequence<End - I>{});
    }
    /// `channel`: nothing, or the channel's number for those that ask for it.
    template <std::size_t I, std::size_t End, class... Channel>
    [[nodiscard, gnu::always_inline]] auto fused_kernel(Channel... channel) noexcept {
        const auto kernel = [&] {
            if constexpr (detail::AlikeInAllChannels<NodeAt<I>>)
                return node<I>().kernel();
            else
                return node<I>().kernel(channel...);
        }();
        if constexpr (I + 1 == End)
            return kernel;
        else
            return detail::Composed{kernel, fused_kernel<I + 1, End>(channel...)};
    }

    template <class N>
    static Result<void> prepare_node(N& node, const StreamInfo& info) {
        if constexpr (requires {
                          { node.prepare(info) } -> std::same_as<Result<void>>;
                      })
            return node.prepare(info);
        else
            return {};
    }
    template <class N>
    static bool set_node_parameter(N& node, std::uint16_t parameter, float value) noexcept {
        if constexpr (requires {
                          { node.set_parameter(parameter, value) } -> std::same_as<bool>;
                      })
            return node.set_parameter(parameter, value);
        else
            return false;
    }

    static consteval std::size_t scratch_channels() {
        if constexpr (needs_scratch)
            return First::channels;
        else
            return 0;
    }

    detail::PlacesOf<Nodes...> nodes_;
    [[no_unique_address]] std::conditional_t<needs_scratch, detail::Scratch<scratch_channels()>,
                                             detail::NoScratch> scratch_{};
};

namespace detail {

template <class T>
inline constexpr bool is_chain = false;
template <class... Nodes>
inline constexpr bool is_chain<Chain<Nodes...>> = true;

/// What may stand on either side of `>>`.
template <class T>
concept Chainable = Node<std::remove_cvref_t<T>> || is_chain<std::remove_cvref_t<T>>;

/// A chain's nodes, or the one node; lvalues by reference.
template <class T>
auto nodes_of(T&& part) {
    if constexpr (!is_chain<std::remove_cvref_t<T>>)
        return PlacesOf<T>{{std::forward<T>(part)}};
    else if constexpr (std::is_lvalue_reference_v<T>)
        return part.refer();
    else
        return std::forward<T>(part).release();
}

template <std::size_t... I, class... Left, std::size_t... K, class... Right>
Chain<Left..., Right...> join(Places<std::index_sequence<I...>, Left...>&& left,
                              Places<std::index_sequence<K...>, Right...>&& right) {
    return Chain<Left..., Right...>(
        {{static_cast<Left&&>(node_at<I>(left))}..., {static_cast<Right&&>(node_at<K>(right))}...});
}

} // namespace detail

/// Puts nodes and chains in a row. Thread: control. Realtime-safe: no.
template <detail::Chainable Left, detail::Chainable Right>
[[nodiscard]] auto operator>>(Left&& left, Right&& right) {
    return detail::join(detail::nodes_of(std::forward<Left>(left)),
                        detail::nodes_of(std::forward<Right>(right)));
}

} // namespace rill::io
