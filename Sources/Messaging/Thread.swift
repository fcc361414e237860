// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A detached POSIX thread.
package enum Thread {
    private final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Runs `body` on a new thread.
    package static func run(_ body: @escaping @Sendable () -> Void) throws(LinkFault) {
        let box = unsafe Unmanaged.passRetained(Box(body))
        var thread = pthread_t()
        let result = unsafe pthread_create(
            &thread, nil,
            { context in
                if let context = unsafe context { unsafe Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body() }
                return nil
            }, box.toOpaque())
        guard result == 0 else {
            unsafe box.release()
            throw LinkFault(.resource, "start a thread", "error \(result)")
        }
        pthread_detach(thread)
    }
}
