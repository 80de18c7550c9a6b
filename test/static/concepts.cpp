// SPDX-License-Identifier: MIT

// What satisfies the concepts, and what does not: each negative is a positive with one thing missing.

#include <rill_io/concepts.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/host.hpp>
#include <rill_io/nodes.hpp>
#include <rill_io/null.hpp>
#include <rill_io/processing.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace io = rill::io;

namespace {

// --- IoCapture
// ---------------------------------------------------------------------------------------------------

struct Capture {
    template <std::size_t Extent>
    std::size_t read_input(std::size_t, std::span<float, Extent>, std::size_t = 0) const noexcept;
    [[nodiscard]] std::size_t num_input_channels() const noexcept;
};
static_assert(io::IoCapture<Capture> && !io::DirectCapture<Capture>);
static_assert(io::IoCapture<io::CaptureWindow> && io::DirectCapture<io::CaptureWindow>);
static_assert(io::DirectCapture<io::null::Capture> && io::DirectCapture<io::host::Capture>);
static_assert(io::IoCapture<io::NoCapture>);

struct ThrowingRead : Capture {
    template <std::size_t Extent>
    std::size_t read_input(std::size_t, std::span<float, Extent>, std::size_t = 0) const;
};
static_assert(!io::IoCapture<ThrowingRead>);

struct ThrowingCount : Capture {
    [[nodiscard]] std::size_t num_input_channels() const;
};
static_assert(!io::IoCapture<ThrowingCount>);

struct SilentRead : Capture { // does not say how many frames it moved
    template <std::size_t Extent>
    void read_input(std::size_t, std::span<float, Extent>, std::size_t = 0) const noexcept;
};
static_assert(!io::IoCapture<SilentRead>);

struct ChangingRead : Capture {
    template <std::size_t Extent>
    std::size_t read_input(std::size_t, std::span<float, Extent>, std::size_t = 0) noexcept; // not const
};
static_assert(!io::IoCapture<ChangingRead>);

struct NoOffset : Capture {
    template <std::size_t Extent>
    std::size_t read_input(std::size_t, std::span<float, Extent>) const noexcept;
};
static_assert(!io::IoCapture<NoOffset>);

struct FixedOnly : Capture {
    std::size_t read_input(std::size_t, std::span<float, 64>, std::size_t = 0) const noexcept;
};
static_assert(!io::IoCapture<FixedOnly>);

struct Direct : Capture {
    [[nodiscard]] const float* input(std::size_t) const noexcept;
    [[nodiscard]] const float* const* inputs() const noexcept;
};
static_assert(io::DirectCapture<Direct>);
struct DirectThatThrows : Direct {
    [[nodiscard]] const float* input(std::size_t) const;
};
static_assert(io::IoCapture<DirectThatThrows> && !io::DirectCapture<DirectThatThrows>);
struct DirectWithoutTable : Capture {
    [[nodiscard]] const float* input(std::size_t) const noexcept;
};
static_assert(!io::DirectCapture<DirectWithoutTable>);

static_assert(!io::IoCapture<int> && !io::IoCapture<io::PlaybackWindow>);

// --- IoPlayback
// --------------------------------------------------------------------------------------------------

struct Playback {
    template <std::size_t Extent>
    std::size_t write_output(std::size_t, std::span<const float, Extent>, std::size_t = 0) noexcept;
    [[nodiscard]] std::size_t num_output_channels() const noexcept;
};
static_assert(io::IoPlayback<Playback> && !io::DirectPlayback<Playback>);
static_assert(io::DirectPlayback<io::PlaybackWindow> && io::DirectPlayback<io::null::Playback>);
static_assert(io::IoPlayback<io::NoPlayback>);

struct ThrowingWrite : Playback {
    template <std::size_t Extent>
    std::size_t write_output(std::size_t, std::span<const float, Extent>, std::size_t = 0);
};
static_assert(!io::IoPlayback<ThrowingWrite>);

struct WriteOfMutable : Playback { // would make every caller copy what it may only read
    template <std::size_t Extent>
    std::size_t write_output(std::size_t, std::span<float, Extent>, std::size_t = 0) noexcept;
};
static_assert(!io::IoPlayback<WriteOfMutable>);

struct DirectOut : Playback {
    [[nodiscard]] float* output(std::size_t) const noexcept;
    [[nodiscard]] float* const* outputs() const noexcept;
};
static_assert(io::DirectPlayback<DirectOut>);
struct DirectOutOfConst : DirectOut {
    [[nodiscard]] const float* output(std::size_t) const noexcept;
};
static_assert(!io::DirectPlayback<DirectOutOfConst>);

// --- ProcessCallback, set_process_callback
// ------------------------------------------------------------------------

struct Callback {
    void operator()(const io::ClockTick&) noexcept;
};
static_assert(io::ProcessCallback<Callback>);
struct ThrowingCallback {
    void operator()(const io::ClockTick&);
};
static_assert(!io::ProcessCallback<ThrowingCallback>);
struct CallbackOfMutableTick {
    void operator()(io::ClockTick&) noexcept;
};
static_assert(!io::ProcessCallback<CallbackOfMutableTick>);
struct CallbackOfCopy {
    void operator()(io::ClockTick) noexcept;
};
static_assert(io::ProcessCallback<CallbackOfCopy>);
struct CallbackOfNothing {
    void operator()() noexcept;
};
static_assert(!io::ProcessCallback<CallbackOfNothing>);
using PlainFunction = void(const io::ClockTick&) noexcept;
static_assert(!io::ProcessCallback<PlainFunction> && io::ProcessCallback<PlainFunction*>);

using NullDriver = io::Driver<io::null::Capture, io::null::Playback>;
template <class D, class F>
concept Takes = requires(D driver, F&& callback) { driver.set_process_callback(static_cast<F&&>(callback)); };
static_assert(Takes<NullDriver, Callback&>);
static_assert(!Takes<NullDriver, Callback>);       // an rvalue would dangle
static_assert(!Takes<NullDriver, const Callback>); // likewise
static_assert(!Takes<NullDriver, ThrowingCallback&>);
static_assert(!Takes<NullDriver, PlainFunction&>);

// --- IoDriver: what it may not be
// -----------------------------------------------------------------------------------

static_assert(io::IoDriver<NullDriver>);
static_assert(io::IoDriver<io::Driver<io::NoCapture, io::null::Playback, 64>>);
static_assert(io::IoDriver<io::Driver<io::host::Capture, io::NoPlayback>>);
static_assert(!io::IoDriver<int>);
static_assert(!std::is_copy_constructible_v<NullDriver> && !std::is_move_constructible_v<NullDriver>);
static_assert(!std::is_copy_assignable_v<NullDriver> && !std::is_move_assignable_v<NullDriver>);
static_assert(!std::is_copy_constructible_v<io::null::Capture>); // nodes hold it by reference

// --- IoSession, IoBackend
// -------------------------------------------------------------------------------------------

struct Options {};
struct Session {
    using Options = ::Options;
    io::Result<void> open(const io::StreamConfig&, const Options&, io::Stream&);
    template <class Cycle>
    io::Result<void> start(void*);
    io::Result<void> stop();
    bool close();
    template <std::size_t Inputs, std::size_t Outputs>
    void fetch(io::CaptureWindow&, io::PlaybackWindow&, std::uint32_t) noexcept;
    bool fetch_checked(io::CaptureWindow&, io::PlaybackWindow&, std::uint32_t) noexcept;
    [[nodiscard]] bool owns_cycle_thread() const noexcept;
    static constexpr io::TickSource tick_source{};
};
static_assert(io::IoSession<Session>);

struct ThrowingFetch : Session {
    template <std::size_t Inputs, std::size_t Outputs>
    void fetch(io::CaptureWindow&, io::PlaybackWindow&, std::uint32_t);
};
static_assert(!io::IoSession<ThrowingFetch>);
struct ThrowingFetchChecked : Session {
    bool fetch_checked(io::CaptureWindow&, io::PlaybackWindow&, std::uint32_t);
};
static_assert(!io::IoSession<ThrowingFetchChecked>);
struct SilentClose : Session { // whether the server might still call is what matters
    void close();
};
static_assert(!io::IoSession<SilentClose>);

struct Backend {
    static constexpr const char* name = "x";
    static constexpr bool drives_itself = true;
    static io::Result<void> available() noexcept;
    using Session = ::Session;
    using Options = ::Options;
    using Capture = io::Capture<Backend>;
    using Playback = io::Playback<Backend>;
};
static_assert(io::IoBackend<Backend>);
static_assert(io::IoBackend<io::null::Backend> && io::IoBackend<io::host::Backend>);
struct Nameless : Backend {
    static constexpr int name = 0x78;
};
static_assert(!io::IoBackend<Nameless>);
struct OtherOptions : Backend {
    using Options = int;
};
static_assert(!io::IoBackend<OtherOptions>);
struct DeafBackend : Backend {
    using Capture = ::ThrowingRead;
};
static_assert(!io::IoBackend<DeafBackend>);

// --- Nodes, graphs
// --------------------------------------------------------------------------------------------------

using TestInput = io::Input<io::null::Capture, 64>;
using TestOutput = io::Output<io::null::Playback, 64>;
static_assert(io::SourceNode<TestInput> && !io::SinkNode<TestInput> && !io::ProcessorNode<TestInput>);
static_assert(io::SinkNode<TestOutput> && !io::SourceNode<TestOutput>);
static_assert(io::ProcessorNode<io::Gain> && io::ProcessorNode<io::Meter> && !io::SinkNode<io::Gain>);
static_assert(io::SourceNode<io::Tone<>> && !io::Node<int> && !io::Node<io::CaptureWindow>);
template <class T>
concept MakesInput = requires { typename io::Input<T>; };
static_assert(MakesInput<Capture> && !MakesInput<ThrowingRead> && !MakesInput<io::null::Playback>);

template <class Left, class Right>
concept Chains = requires(Left left, Right right) { left >> right; };
static_assert(Chains<io::Gain, io::Gain> && !Chains<io::Gain, int> && !Chains<int, io::Gain>);

struct Graph {
    void process(const io::ClockTick&, io::FrameRange<io::dynamic_extent>) noexcept;
    bool set_parameter(std::uint16_t, std::uint16_t, float) noexcept;
};
static_assert(io::Graph<Graph> && io::ProcessCallback<io::ProcessingState<Graph>>);
struct ThrowingGraph : Graph {
    void process(const io::ClockTick&, io::FrameRange<io::dynamic_extent>);
};
static_assert(!io::Graph<ThrowingGraph>);
struct StubbornGraph : Graph {
    void set_parameter(std::uint16_t, std::uint16_t,
                       float) noexcept; // does not say whether it knows the parameter
};
static_assert(!io::Graph<StubbornGraph>);
using TestChain =
    decltype(std::declval<TestInput>() >> std::declval<io::Gain>() >> std::declval<TestOutput>());
static_assert(io::Graph<TestChain> && io::ProcessCallback<io::ProcessingState<TestChain>>);
static_assert(io::CallbackTraits<io::ProcessingState<TestChain>>::block() == 64);
static_assert(io::CallbackTraits<io::ProcessingState<TestChain>>::num_inputs() == 2);
static_assert(io::CallbackTraits<io::ProcessingState<TestChain>>::fills_playback());
static_assert(io::CallbackTraits<Callback>::block() == io::dynamic_extent);
static_assert(io::CallbackTraits<Callback>::num_outputs() == io::dynamic_extent);
static_assert(!io::CallbackTraits<Callback>::fills_playback());

// --- Values
// ---------------------------------------------------------------------------------------------------------

static_assert(std::is_trivially_copyable_v<io::ClockTick> && std::is_trivially_copyable_v<io::Error>);
static_assert(std::is_trivially_copyable_v<io::SetParameter> && std::is_trivially_copyable_v<io::StreamInfo>);
static_assert(std::is_nothrow_copy_constructible_v<io::Result<void>>);
static_assert(!std::is_convertible_v<io::Result<int>, bool>); // explicit: `if (result)`, not `int x = result`
static_assert(std::is_aggregate_v<io::StreamConfig>);         // designated initialisers

} // namespace
