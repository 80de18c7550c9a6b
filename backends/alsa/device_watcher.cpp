// SPDX-License-Identifier: MIT
#include <rill_io/alsa.hpp>

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <system_error>
#include <utility>

namespace rill::io::alsa {

namespace {

Error cannot_watch(int status, const char* what, const char* advice) noexcept {
    return Error::make(Errc::backend_failure, Backend::name, "devices", status, "%s: %s; %s", what,
                       std::strerror(status), advice);
}

} // namespace

Result<void> DeviceWatcher::open(Wakeup& wakeup) {
    close();
    inotify_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (inotify_ < 0)
        return cannot_watch(errno, "no inotify to watch the devices with",
                            "raise fs.inotify.max_user_instances");
    parent_watch_ =
        ::inotify_add_watch(inotify_, parent_.c_str(), IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_EXCL_UNLINK);
    if (parent_watch_ < 0) {
        const int status = errno;
        close();
        return cannot_watch(status, (parent_ + " can't be watched").c_str(),
                            "raise fs.inotify.max_user_watches, or look at its permissions");
    }
    watch_folder();
    wakeup_ = &wakeup;
    (void)leave_.wait(0); // what the last close() rang
    try {
        thread_ = std::thread([this] { watch(); });
    } catch (const std::system_error& error) {
        close();
        return cannot_watch(error.code().value(), "no thread to watch the devices with",
                            "end others, or raise the limit of threads");
    }
    return {};
}

Result<DeviceList> DeviceWatcher::list() {
    return Backend::devices();
}

void DeviceWatcher::close() noexcept {
    if (thread_.joinable()) {
        leave_.ring();
        thread_.join();
    }
    if (inotify_ >= 0)
        ::close(std::exchange(inotify_, -1));
}

void DeviceWatcher::watch_folder() noexcept {
    // IN_ATTRIB: a device file gets its permissions after it has been made, and can be opened only then.
    (void)::inotify_add_watch(inotify_, (parent_ + "/" + name_).c_str(),
                              IN_CREATE | IN_DELETE | IN_ATTRIB | IN_MOVE | IN_ONLYDIR);
}

void DeviceWatcher::watch() noexcept {
    for (;;) {
        std::array<pollfd, 2> descriptors{{{inotify_, POLLIN, 0}, {leave_.fd(), POLLIN, 0}}};
        if (::poll(descriptors.data(), descriptors.size(), -1) < 0)
            continue;
        if (descriptors[1].revents != 0)
            return;
        if (read_events())
            wakeup_->ring();
    }
}

bool DeviceWatcher::read_events() noexcept {
    alignas(inotify_event) std::array<char, 4096> buffer;
    bool any = false;
    for (ssize_t size = 0; (size = ::read(inotify_, buffer.data(), buffer.size())) > 0;) {
        for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
            const auto& event = *reinterpret_cast<const inotify_event*>(buffer.data() + at);
            at += sizeof event + event.len;
            const bool overflowed = (event.mask & IN_Q_OVERFLOW) != 0;
            if (event.wd != parent_watch_ || overflowed)
                any = true;
            // The folder is there, perhaps again. What is in it already is listed after this has rung.
            if (overflowed || (event.wd == parent_watch_ && event.len != 0 && name_ == event.name)) {
                watch_folder();
                any = true;
            }
        }
    }
    return any;
}

} // namespace rill::io::alsa
