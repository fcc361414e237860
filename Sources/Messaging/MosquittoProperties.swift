// SPDX-License-Identifier: Apache-2.0
internal import CMosquitto
internal import Glibc

/// A list of MQTT 5 properties, as libmosquitto keeps it.
@safe struct MosquittoProperties: ~Copyable {
    /// The list's head; set to `nil` where the library has taken it over.
    var list: OpaquePointer?

    init() { unsafe list = nil }

    deinit {
        var list = unsafe list
        unsafe mosquitto_property_free_all(&list)
    }

    /// Whole seconds, rounded up.
    mutating func add(_ property: mqtt5_property, seconds duration: Duration) {
        let (seconds, attoseconds) = duration.components
        add(property, UInt32(clamping: seconds + (attoseconds > 0 ? 1 : 0)))
    }

    mutating func add(_ property: mqtt5_property, _ value: UInt32) {
        unsafe mosquitto_property_add_int32(&list, CInt(property.rawValue), value)
    }

    mutating func add(_ property: mqtt5_property, _ text: String) {
        unsafe mosquitto_property_add_string(&list, CInt(property.rawValue), text)
    }

    mutating func add(_ property: mqtt5_property, _ bytes: [UInt8]) {
        unsafe mosquitto_property_add_binary(&list, CInt(property.rawValue), bytes, UInt16(clamping: bytes.count))
    }

    static func integer16(_ property: mqtt5_property, in list: OpaquePointer?) -> Int? {
        var value: UInt16 = 0
        return unsafe mosquitto_property_read_int16(list, CInt(property.rawValue), &value, false) == nil ? nil : Int(value)
    }

    static func integer32(_ property: mqtt5_property, in list: OpaquePointer?) -> Int? {
        var value: UInt32 = 0
        return unsafe mosquitto_property_read_int32(list, CInt(property.rawValue), &value, false) == nil ? nil : Int(value)
    }

    static func binary(_ property: mqtt5_property, in list: OpaquePointer?) -> [UInt8]? {
        var bytes: UnsafeMutableRawPointer?
        var count: UInt16 = 0
        guard unsafe mosquitto_property_read_binary(list, CInt(property.rawValue), &bytes, &count, false) != nil else { return nil }
        defer { unsafe free(bytes) }
        return unsafe Array(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
    }
}
