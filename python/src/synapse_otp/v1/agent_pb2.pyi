from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FrontendProtocol(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FRONTEND_PROTOCOL_UNSPECIFIED: _ClassVar[FrontendProtocol]
    FRONTEND_PROTOCOL_VERCEL_AI: _ClassVar[FrontendProtocol]
    FRONTEND_PROTOCOL_AG_UI: _ClassVar[FrontendProtocol]

class MediaKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEDIA_KIND_UNSPECIFIED: _ClassVar[MediaKind]
    MEDIA_KIND_IMAGE: _ClassVar[MediaKind]
    MEDIA_KIND_AUDIO: _ClassVar[MediaKind]
    MEDIA_KIND_VIDEO: _ClassVar[MediaKind]
    MEDIA_KIND_DOCUMENT: _ClassVar[MediaKind]

class OutputKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTPUT_KIND_UNSPECIFIED: _ClassVar[OutputKind]
    OUTPUT_KIND_TEXT: _ClassVar[OutputKind]
    OUTPUT_KIND_STRUCTURED: _ClassVar[OutputKind]
    OUTPUT_KIND_DEFERRED: _ClassVar[OutputKind]

class FrontendEnd(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FRONTEND_END_UNSPECIFIED: _ClassVar[FrontendEnd]
    FRONTEND_END_COMPLETED: _ClassVar[FrontendEnd]
    FRONTEND_END_FAILED: _ClassVar[FrontendEnd]

class InputOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INPUT_OUTCOME_UNSPECIFIED: _ClassVar[InputOutcome]
    INPUT_OUTCOME_ANSWERED: _ClassVar[InputOutcome]
    INPUT_OUTCOME_DECLINED: _ClassVar[InputOutcome]
    INPUT_OUTCOME_TIMED_OUT: _ClassVar[InputOutcome]

class ToolOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOOL_OUTCOME_UNSPECIFIED: _ClassVar[ToolOutcome]
    TOOL_OUTCOME_SUCCESS: _ClassVar[ToolOutcome]
    TOOL_OUTCOME_FAILED: _ClassVar[ToolOutcome]
    TOOL_OUTCOME_RETRY: _ClassVar[ToolOutcome]
    TOOL_OUTCOME_DENIED: _ClassVar[ToolOutcome]
    TOOL_OUTCOME_INTERRUPTED: _ClassVar[ToolOutcome]

class AgentErrorKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AGENT_ERROR_KIND_UNSPECIFIED: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_VALIDATION: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_USER_ERROR: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_MODEL_RETRY: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_UNEXPECTED_MODEL_BEHAVIOR: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_OUTPUT_VALIDATION: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_TOOL_RETRIES_EXHAUSTED: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_USAGE_LIMIT_EXCEEDED: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_CONCURRENCY_LIMIT: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_MODEL_HTTP: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_MODEL_API: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_CONTENT_FILTER: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_INCOMPLETE_TOOL_CALL: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_FALLBACK: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_CANCELLED: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_DEADLINE: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_HOOK_TIMEOUT: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_SUSPENDED_EXPIRED: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_USER_CODE: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_DRAINING: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_INTERRUPTED: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_ANSWER_TOO_LARGE: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_INTERNAL: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_MODEL_RATE_LIMIT: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_MODEL_QUOTA: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_MODEL_UNAVAILABLE: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_MODEL_OVERLOADED: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_MODEL_SERVER: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_MODEL_CONNECTION: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_MODEL_TIMEOUT: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_MODEL_REJECTED: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_MODEL_AUTHENTICATION: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_MODEL_NOT_FOUND: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_CONTEXT_WINDOW: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_OUTPUT_TOKEN_LIMIT: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_TOOL_FAILED: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_CONVERSATION_CONFLICT: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_OUT_OF_MEMORY: _ClassVar[AgentErrorKind]
    AGENT_ERROR_KIND_FRONTEND_REQUEST: _ClassVar[AgentErrorKind]

class SteerPriority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STEER_PRIORITY_UNSPECIFIED: _ClassVar[SteerPriority]
    STEER_PRIORITY_WHEN_IDLE: _ClassVar[SteerPriority]
FRONTEND_PROTOCOL_UNSPECIFIED: FrontendProtocol
FRONTEND_PROTOCOL_VERCEL_AI: FrontendProtocol
FRONTEND_PROTOCOL_AG_UI: FrontendProtocol
MEDIA_KIND_UNSPECIFIED: MediaKind
MEDIA_KIND_IMAGE: MediaKind
MEDIA_KIND_AUDIO: MediaKind
MEDIA_KIND_VIDEO: MediaKind
MEDIA_KIND_DOCUMENT: MediaKind
OUTPUT_KIND_UNSPECIFIED: OutputKind
OUTPUT_KIND_TEXT: OutputKind
OUTPUT_KIND_STRUCTURED: OutputKind
OUTPUT_KIND_DEFERRED: OutputKind
FRONTEND_END_UNSPECIFIED: FrontendEnd
FRONTEND_END_COMPLETED: FrontendEnd
FRONTEND_END_FAILED: FrontendEnd
INPUT_OUTCOME_UNSPECIFIED: InputOutcome
INPUT_OUTCOME_ANSWERED: InputOutcome
INPUT_OUTCOME_DECLINED: InputOutcome
INPUT_OUTCOME_TIMED_OUT: InputOutcome
TOOL_OUTCOME_UNSPECIFIED: ToolOutcome
TOOL_OUTCOME_SUCCESS: ToolOutcome
TOOL_OUTCOME_FAILED: ToolOutcome
TOOL_OUTCOME_RETRY: ToolOutcome
TOOL_OUTCOME_DENIED: ToolOutcome
TOOL_OUTCOME_INTERRUPTED: ToolOutcome
AGENT_ERROR_KIND_UNSPECIFIED: AgentErrorKind
AGENT_ERROR_KIND_VALIDATION: AgentErrorKind
AGENT_ERROR_KIND_USER_ERROR: AgentErrorKind
AGENT_ERROR_KIND_MODEL_RETRY: AgentErrorKind
AGENT_ERROR_KIND_UNEXPECTED_MODEL_BEHAVIOR: AgentErrorKind
AGENT_ERROR_KIND_OUTPUT_VALIDATION: AgentErrorKind
AGENT_ERROR_KIND_TOOL_RETRIES_EXHAUSTED: AgentErrorKind
AGENT_ERROR_KIND_USAGE_LIMIT_EXCEEDED: AgentErrorKind
AGENT_ERROR_KIND_CONCURRENCY_LIMIT: AgentErrorKind
AGENT_ERROR_KIND_MODEL_HTTP: AgentErrorKind
AGENT_ERROR_KIND_MODEL_API: AgentErrorKind
AGENT_ERROR_KIND_CONTENT_FILTER: AgentErrorKind
AGENT_ERROR_KIND_INCOMPLETE_TOOL_CALL: AgentErrorKind
AGENT_ERROR_KIND_FALLBACK: AgentErrorKind
AGENT_ERROR_KIND_CANCELLED: AgentErrorKind
AGENT_ERROR_KIND_DEADLINE: AgentErrorKind
AGENT_ERROR_KIND_HOOK_TIMEOUT: AgentErrorKind
AGENT_ERROR_KIND_SUSPENDED_EXPIRED: AgentErrorKind
AGENT_ERROR_KIND_USER_CODE: AgentErrorKind
AGENT_ERROR_KIND_DRAINING: AgentErrorKind
AGENT_ERROR_KIND_INTERRUPTED: AgentErrorKind
AGENT_ERROR_KIND_ANSWER_TOO_LARGE: AgentErrorKind
AGENT_ERROR_KIND_INTERNAL: AgentErrorKind
AGENT_ERROR_KIND_MODEL_RATE_LIMIT: AgentErrorKind
AGENT_ERROR_KIND_MODEL_QUOTA: AgentErrorKind
AGENT_ERROR_KIND_MODEL_UNAVAILABLE: AgentErrorKind
AGENT_ERROR_KIND_MODEL_OVERLOADED: AgentErrorKind
AGENT_ERROR_KIND_MODEL_SERVER: AgentErrorKind
AGENT_ERROR_KIND_MODEL_CONNECTION: AgentErrorKind
AGENT_ERROR_KIND_MODEL_TIMEOUT: AgentErrorKind
AGENT_ERROR_KIND_MODEL_REJECTED: AgentErrorKind
AGENT_ERROR_KIND_MODEL_AUTHENTICATION: AgentErrorKind
AGENT_ERROR_KIND_MODEL_NOT_FOUND: AgentErrorKind
AGENT_ERROR_KIND_CONTEXT_WINDOW: AgentErrorKind
AGENT_ERROR_KIND_OUTPUT_TOKEN_LIMIT: AgentErrorKind
AGENT_ERROR_KIND_TOOL_FAILED: AgentErrorKind
AGENT_ERROR_KIND_CONVERSATION_CONFLICT: AgentErrorKind
AGENT_ERROR_KIND_OUT_OF_MEMORY: AgentErrorKind
AGENT_ERROR_KIND_FRONTEND_REQUEST: AgentErrorKind
STEER_PRIORITY_UNSPECIFIED: SteerPriority
STEER_PRIORITY_WHEN_IDLE: SteerPriority

class RunRequest(_message.Message):
    __slots__ = ("agent_id", "prompt", "content", "run_id", "attempt", "conversation_id", "message_history_json", "deps_json", "model", "model_settings", "usage_limits", "output_schema_json", "tools", "deferred_results_json", "instructions", "metadata", "may_pause", "may_fetch", "stream", "incarnation", "deadline_unix_ms", "time_left_ms", "output_once", "json_constants", "frontend", "may_wait")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_HISTORY_JSON_FIELD_NUMBER: _ClassVar[int]
    DEPS_JSON_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_SETTINGS_FIELD_NUMBER: _ClassVar[int]
    USAGE_LIMITS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    DEFERRED_RESULTS_JSON_FIELD_NUMBER: _ClassVar[int]
    INSTRUCTIONS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    MAY_PAUSE_FIELD_NUMBER: _ClassVar[int]
    MAY_FETCH_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    TIME_LEFT_MS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_ONCE_FIELD_NUMBER: _ClassVar[int]
    JSON_CONSTANTS_FIELD_NUMBER: _ClassVar[int]
    FRONTEND_FIELD_NUMBER: _ClassVar[int]
    MAY_WAIT_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    prompt: str
    content: _containers.RepeatedCompositeFieldContainer[ContentPart]
    run_id: str
    attempt: int
    conversation_id: str
    message_history_json: bytes
    deps_json: bytes
    model: str
    model_settings: ModelSettings
    usage_limits: UsageLimits
    output_schema_json: bytes
    tools: _containers.RepeatedCompositeFieldContainer[ToolSpec]
    deferred_results_json: bytes
    instructions: str
    metadata: _containers.ScalarMap[str, str]
    may_pause: bool
    may_fetch: bool
    stream: StreamOptions
    incarnation: int
    deadline_unix_ms: int
    time_left_ms: int
    output_once: bool
    json_constants: bool
    frontend: FrontendRequest
    may_wait: bool
    def __init__(self, agent_id: _Optional[str] = ..., prompt: _Optional[str] = ..., content: _Optional[_Iterable[_Union[ContentPart, _Mapping]]] = ..., run_id: _Optional[str] = ..., attempt: _Optional[int] = ..., conversation_id: _Optional[str] = ..., message_history_json: _Optional[bytes] = ..., deps_json: _Optional[bytes] = ..., model: _Optional[str] = ..., model_settings: _Optional[_Union[ModelSettings, _Mapping]] = ..., usage_limits: _Optional[_Union[UsageLimits, _Mapping]] = ..., output_schema_json: _Optional[bytes] = ..., tools: _Optional[_Iterable[_Union[ToolSpec, _Mapping]]] = ..., deferred_results_json: _Optional[bytes] = ..., instructions: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., may_pause: _Optional[bool] = ..., may_fetch: _Optional[bool] = ..., stream: _Optional[_Union[StreamOptions, _Mapping]] = ..., incarnation: _Optional[int] = ..., deadline_unix_ms: _Optional[int] = ..., time_left_ms: _Optional[int] = ..., output_once: _Optional[bool] = ..., json_constants: _Optional[bool] = ..., frontend: _Optional[_Union[FrontendRequest, _Mapping]] = ..., may_wait: _Optional[bool] = ...) -> None: ...

class FrontendRequest(_message.Message):
    __slots__ = ("protocol", "body", "server_history", "sdk_version")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    SERVER_HISTORY_FIELD_NUMBER: _ClassVar[int]
    SDK_VERSION_FIELD_NUMBER: _ClassVar[int]
    protocol: FrontendProtocol
    body: bytes
    server_history: bool
    sdk_version: int
    def __init__(self, protocol: _Optional[_Union[FrontendProtocol, str]] = ..., body: _Optional[bytes] = ..., server_history: _Optional[bool] = ..., sdk_version: _Optional[int] = ...) -> None: ...

class StreamOptions(_message.Message):
    __slots__ = ("partial_output", "partial_output_debounce_ms", "terminal_only")
    PARTIAL_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_OUTPUT_DEBOUNCE_MS_FIELD_NUMBER: _ClassVar[int]
    TERMINAL_ONLY_FIELD_NUMBER: _ClassVar[int]
    partial_output: bool
    partial_output_debounce_ms: int
    terminal_only: bool
    def __init__(self, partial_output: _Optional[bool] = ..., partial_output_debounce_ms: _Optional[int] = ..., terminal_only: _Optional[bool] = ...) -> None: ...

class HostMessage(_message.Message):
    __slots__ = ("start", "answer")
    START_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    start: RunRequest
    answer: HostAnswer
    def __init__(self, start: _Optional[_Union[RunRequest, _Mapping]] = ..., answer: _Optional[_Union[HostAnswer, _Mapping]] = ...) -> None: ...

class WorkerMessage(_message.Message):
    __slots__ = ("chunk", "request", "request_cancelled")
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    REQUEST_CANCELLED_FIELD_NUMBER: _ClassVar[int]
    chunk: RunResponseChunk
    request: HostRequest
    request_cancelled: HostRequestCancelled
    def __init__(self, chunk: _Optional[_Union[RunResponseChunk, _Mapping]] = ..., request: _Optional[_Union[HostRequest, _Mapping]] = ..., request_cancelled: _Optional[_Union[HostRequestCancelled, _Mapping]] = ...) -> None: ...

class HostRequest(_message.Message):
    __slots__ = ("id", "time_left_ms", "tool_call", "wait")
    ID_FIELD_NUMBER: _ClassVar[int]
    TIME_LEFT_MS_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    id: int
    time_left_ms: int
    tool_call: HostToolCall
    wait: HostWait
    def __init__(self, id: _Optional[int] = ..., time_left_ms: _Optional[int] = ..., tool_call: _Optional[_Union[HostToolCall, _Mapping]] = ..., wait: _Optional[_Union[HostWait, _Mapping]] = ...) -> None: ...

class HostRequestCancelled(_message.Message):
    __slots__ = ("id", "reason")
    ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    id: int
    reason: str
    def __init__(self, id: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class HostToolCall(_message.Message):
    __slots__ = ("tool_call_id", "tool_name", "args_json", "retry", "step")
    TOOL_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_NAME_FIELD_NUMBER: _ClassVar[int]
    ARGS_JSON_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    tool_call_id: str
    tool_name: str
    args_json: bytes
    retry: int
    step: int
    def __init__(self, tool_call_id: _Optional[str] = ..., tool_name: _Optional[str] = ..., args_json: _Optional[bytes] = ..., retry: _Optional[int] = ..., step: _Optional[int] = ...) -> None: ...

class HostWait(_message.Message):
    __slots__ = ("token", "name", "requests_json")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_JSON_FIELD_NUMBER: _ClassVar[int]
    token: str
    name: str
    requests_json: bytes
    def __init__(self, token: _Optional[str] = ..., name: _Optional[str] = ..., requests_json: _Optional[bytes] = ...) -> None: ...

class HostAnswer(_message.Message):
    __slots__ = ("request_id", "unknown", "timed_out", "tool_return", "tool_retry", "tool_failed", "tool_error", "wait_answered", "wait_declined")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    TIMED_OUT_FIELD_NUMBER: _ClassVar[int]
    TOOL_RETURN_FIELD_NUMBER: _ClassVar[int]
    TOOL_RETRY_FIELD_NUMBER: _ClassVar[int]
    TOOL_FAILED_FIELD_NUMBER: _ClassVar[int]
    TOOL_ERROR_FIELD_NUMBER: _ClassVar[int]
    WAIT_ANSWERED_FIELD_NUMBER: _ClassVar[int]
    WAIT_DECLINED_FIELD_NUMBER: _ClassVar[int]
    request_id: int
    unknown: HostUnknown
    timed_out: HostTimedOut
    tool_return: HostToolReturn
    tool_retry: HostToolRetry
    tool_failed: HostToolFailed
    tool_error: HostToolError
    wait_answered: HostWaitAnswered
    wait_declined: HostWaitDeclined
    def __init__(self, request_id: _Optional[int] = ..., unknown: _Optional[_Union[HostUnknown, _Mapping]] = ..., timed_out: _Optional[_Union[HostTimedOut, _Mapping]] = ..., tool_return: _Optional[_Union[HostToolReturn, _Mapping]] = ..., tool_retry: _Optional[_Union[HostToolRetry, _Mapping]] = ..., tool_failed: _Optional[_Union[HostToolFailed, _Mapping]] = ..., tool_error: _Optional[_Union[HostToolError, _Mapping]] = ..., wait_answered: _Optional[_Union[HostWaitAnswered, _Mapping]] = ..., wait_declined: _Optional[_Union[HostWaitDeclined, _Mapping]] = ...) -> None: ...

class HostUnknown(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HostTimedOut(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HostToolReturn(_message.Message):
    __slots__ = ("value_json", "content")
    VALUE_JSON_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    value_json: bytes
    content: _containers.RepeatedCompositeFieldContainer[ContentPart]
    def __init__(self, value_json: _Optional[bytes] = ..., content: _Optional[_Iterable[_Union[ContentPart, _Mapping]]] = ...) -> None: ...

class HostToolRetry(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: str
    def __init__(self, message: _Optional[str] = ...) -> None: ...

class HostToolFailed(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: str
    def __init__(self, message: _Optional[str] = ...) -> None: ...

class HostToolError(_message.Message):
    __slots__ = ("message", "type")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    message: str
    type: str
    def __init__(self, message: _Optional[str] = ..., type: _Optional[str] = ...) -> None: ...

class HostWaitAnswered(_message.Message):
    __slots__ = ("value_json",)
    VALUE_JSON_FIELD_NUMBER: _ClassVar[int]
    value_json: bytes
    def __init__(self, value_json: _Optional[bytes] = ...) -> None: ...

class HostWaitDeclined(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class ContentPart(_message.Message):
    __slots__ = ("text", "url", "binary")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    BINARY_FIELD_NUMBER: _ClassVar[int]
    text: str
    url: UrlPart
    binary: BinaryPart
    def __init__(self, text: _Optional[str] = ..., url: _Optional[_Union[UrlPart, _Mapping]] = ..., binary: _Optional[_Union[BinaryPart, _Mapping]] = ...) -> None: ...

class UrlPart(_message.Message):
    __slots__ = ("kind", "url", "media_type")
    KIND_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    kind: MediaKind
    url: str
    media_type: str
    def __init__(self, kind: _Optional[_Union[MediaKind, str]] = ..., url: _Optional[str] = ..., media_type: _Optional[str] = ...) -> None: ...

class BinaryPart(_message.Message):
    __slots__ = ("data", "media_type")
    DATA_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    media_type: str
    def __init__(self, data: _Optional[bytes] = ..., media_type: _Optional[str] = ...) -> None: ...

class ModelSettings(_message.Message):
    __slots__ = ("max_tokens", "temperature", "top_p", "top_k", "timeout_s", "parallel_tool_calls", "seed", "presence_penalty", "frequency_penalty", "stop_sequences", "tool_choice", "thinking", "extra_json")
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TOP_P_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    PARALLEL_TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_PENALTY_FIELD_NUMBER: _ClassVar[int]
    FREQUENCY_PENALTY_FIELD_NUMBER: _ClassVar[int]
    STOP_SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    TOOL_CHOICE_FIELD_NUMBER: _ClassVar[int]
    THINKING_FIELD_NUMBER: _ClassVar[int]
    EXTRA_JSON_FIELD_NUMBER: _ClassVar[int]
    max_tokens: int
    temperature: float
    top_p: float
    top_k: int
    timeout_s: float
    parallel_tool_calls: bool
    seed: int
    presence_penalty: float
    frequency_penalty: float
    stop_sequences: _containers.RepeatedScalarFieldContainer[str]
    tool_choice: str
    thinking: str
    extra_json: bytes
    def __init__(self, max_tokens: _Optional[int] = ..., temperature: _Optional[float] = ..., top_p: _Optional[float] = ..., top_k: _Optional[int] = ..., timeout_s: _Optional[float] = ..., parallel_tool_calls: _Optional[bool] = ..., seed: _Optional[int] = ..., presence_penalty: _Optional[float] = ..., frequency_penalty: _Optional[float] = ..., stop_sequences: _Optional[_Iterable[str]] = ..., tool_choice: _Optional[str] = ..., thinking: _Optional[str] = ..., extra_json: _Optional[bytes] = ...) -> None: ...

class UsageLimits(_message.Message):
    __slots__ = ("request_limit", "tool_calls_limit", "input_tokens_limit", "output_tokens_limit", "total_tokens_limit", "per_request_input_tokens_limit", "cost_limit", "count_tokens_before_request", "no_request_limit")
    REQUEST_LIMIT_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALLS_LIMIT_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_LIMIT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_LIMIT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_LIMIT_FIELD_NUMBER: _ClassVar[int]
    PER_REQUEST_INPUT_TOKENS_LIMIT_FIELD_NUMBER: _ClassVar[int]
    COST_LIMIT_FIELD_NUMBER: _ClassVar[int]
    COUNT_TOKENS_BEFORE_REQUEST_FIELD_NUMBER: _ClassVar[int]
    NO_REQUEST_LIMIT_FIELD_NUMBER: _ClassVar[int]
    request_limit: int
    tool_calls_limit: int
    input_tokens_limit: int
    output_tokens_limit: int
    total_tokens_limit: int
    per_request_input_tokens_limit: int
    cost_limit: str
    count_tokens_before_request: bool
    no_request_limit: bool
    def __init__(self, request_limit: _Optional[int] = ..., tool_calls_limit: _Optional[int] = ..., input_tokens_limit: _Optional[int] = ..., output_tokens_limit: _Optional[int] = ..., total_tokens_limit: _Optional[int] = ..., per_request_input_tokens_limit: _Optional[int] = ..., cost_limit: _Optional[str] = ..., count_tokens_before_request: _Optional[bool] = ..., no_request_limit: _Optional[bool] = ...) -> None: ...

class RunResponse(_message.Message):
    __slots__ = ("result", "usage", "output_json", "kind", "deferred_json", "new_messages_json", "run_id", "conversation_id", "attempts", "model_name", "finish_reason", "incarnation", "unfinished", "output_at", "all_messages_json")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_JSON_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DEFERRED_JSON_FIELD_NUMBER: _ClassVar[int]
    NEW_MESSAGES_JSON_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    UNFINISHED_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_AT_FIELD_NUMBER: _ClassVar[int]
    ALL_MESSAGES_JSON_FIELD_NUMBER: _ClassVar[int]
    result: str
    usage: Usage
    output_json: bytes
    kind: OutputKind
    deferred_json: bytes
    new_messages_json: bytes
    run_id: str
    conversation_id: str
    attempts: int
    model_name: str
    finish_reason: str
    incarnation: int
    unfinished: bool
    output_at: OutputAt
    all_messages_json: bytes
    def __init__(self, result: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., output_json: _Optional[bytes] = ..., kind: _Optional[_Union[OutputKind, str]] = ..., deferred_json: _Optional[bytes] = ..., new_messages_json: _Optional[bytes] = ..., run_id: _Optional[str] = ..., conversation_id: _Optional[str] = ..., attempts: _Optional[int] = ..., model_name: _Optional[str] = ..., finish_reason: _Optional[str] = ..., incarnation: _Optional[int] = ..., unfinished: _Optional[bool] = ..., output_at: _Optional[_Union[OutputAt, _Mapping]] = ..., all_messages_json: _Optional[bytes] = ...) -> None: ...

class OutputAt(_message.Message):
    __slots__ = ("message", "part")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    message: int
    part: int
    def __init__(self, message: _Optional[int] = ..., part: _Optional[int] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("request_tokens", "response_tokens", "total_tokens", "requests", "tool_calls", "cache_read_tokens", "cache_write_tokens", "input_audio_tokens", "output_audio_tokens", "cache_audio_read_tokens", "details", "cost", "reasoning_tokens", "cache_write_1h_tokens", "audio_seconds", "unmeasured_requests")
    class DetailsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    REQUEST_TOKENS_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    CACHE_READ_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    INPUT_AUDIO_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_AUDIO_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_AUDIO_READ_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    REASONING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_1H_TOKENS_FIELD_NUMBER: _ClassVar[int]
    AUDIO_SECONDS_FIELD_NUMBER: _ClassVar[int]
    UNMEASURED_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    request_tokens: int
    response_tokens: int
    total_tokens: int
    requests: int
    tool_calls: int
    cache_read_tokens: int
    cache_write_tokens: int
    input_audio_tokens: int
    output_audio_tokens: int
    cache_audio_read_tokens: int
    details: _containers.ScalarMap[str, int]
    cost: str
    reasoning_tokens: int
    cache_write_1h_tokens: int
    audio_seconds: float
    unmeasured_requests: int
    def __init__(self, request_tokens: _Optional[int] = ..., response_tokens: _Optional[int] = ..., total_tokens: _Optional[int] = ..., requests: _Optional[int] = ..., tool_calls: _Optional[int] = ..., cache_read_tokens: _Optional[int] = ..., cache_write_tokens: _Optional[int] = ..., input_audio_tokens: _Optional[int] = ..., output_audio_tokens: _Optional[int] = ..., cache_audio_read_tokens: _Optional[int] = ..., details: _Optional[_Mapping[str, int]] = ..., cost: _Optional[str] = ..., reasoning_tokens: _Optional[int] = ..., cache_write_1h_tokens: _Optional[int] = ..., audio_seconds: _Optional[float] = ..., unmeasured_requests: _Optional[int] = ...) -> None: ...

class RunResponseChunk(_message.Message):
    __slots__ = ("data", "seq", "run_id", "attempt", "step", "started", "text_delta", "thinking_delta", "tool_args_delta", "tool_call", "tool_result", "partial_output_json", "part_start", "part_end", "citations_delta", "output_call", "output_result", "retry", "pydantic_event", "frontend_text", "input_requested", "input_answered", "completed", "failed", "cancelled", "completed_part")
    DATA_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    TEXT_DELTA_FIELD_NUMBER: _ClassVar[int]
    THINKING_DELTA_FIELD_NUMBER: _ClassVar[int]
    TOOL_ARGS_DELTA_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_FIELD_NUMBER: _ClassVar[int]
    TOOL_RESULT_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_OUTPUT_JSON_FIELD_NUMBER: _ClassVar[int]
    PART_START_FIELD_NUMBER: _ClassVar[int]
    PART_END_FIELD_NUMBER: _ClassVar[int]
    CITATIONS_DELTA_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_CALL_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_RESULT_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    PYDANTIC_EVENT_FIELD_NUMBER: _ClassVar[int]
    FRONTEND_TEXT_FIELD_NUMBER: _ClassVar[int]
    INPUT_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    INPUT_ANSWERED_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_PART_FIELD_NUMBER: _ClassVar[int]
    data: str
    seq: int
    run_id: str
    attempt: int
    step: int
    started: RunStarted
    text_delta: TextDelta
    thinking_delta: ThinkingDelta
    tool_args_delta: ToolArgsDelta
    tool_call: ToolCall
    tool_result: ToolResult
    partial_output_json: bytes
    part_start: PartStart
    part_end: PartEnd
    citations_delta: CitationsDelta
    output_call: ToolCall
    output_result: ToolResult
    retry: ModelRetry
    pydantic_event: PydanticEvent
    frontend_text: FrontendText
    input_requested: InputRequested
    input_answered: InputAnswered
    completed: RunResponse
    failed: AgentError
    cancelled: RunCancelled
    completed_part: bytes
    def __init__(self, data: _Optional[str] = ..., seq: _Optional[int] = ..., run_id: _Optional[str] = ..., attempt: _Optional[int] = ..., step: _Optional[int] = ..., started: _Optional[_Union[RunStarted, _Mapping]] = ..., text_delta: _Optional[_Union[TextDelta, _Mapping]] = ..., thinking_delta: _Optional[_Union[ThinkingDelta, _Mapping]] = ..., tool_args_delta: _Optional[_Union[ToolArgsDelta, _Mapping]] = ..., tool_call: _Optional[_Union[ToolCall, _Mapping]] = ..., tool_result: _Optional[_Union[ToolResult, _Mapping]] = ..., partial_output_json: _Optional[bytes] = ..., part_start: _Optional[_Union[PartStart, _Mapping]] = ..., part_end: _Optional[_Union[PartEnd, _Mapping]] = ..., citations_delta: _Optional[_Union[CitationsDelta, _Mapping]] = ..., output_call: _Optional[_Union[ToolCall, _Mapping]] = ..., output_result: _Optional[_Union[ToolResult, _Mapping]] = ..., retry: _Optional[_Union[ModelRetry, _Mapping]] = ..., pydantic_event: _Optional[_Union[PydanticEvent, _Mapping]] = ..., frontend_text: _Optional[_Union[FrontendText, _Mapping]] = ..., input_requested: _Optional[_Union[InputRequested, _Mapping]] = ..., input_answered: _Optional[_Union[InputAnswered, _Mapping]] = ..., completed: _Optional[_Union[RunResponse, _Mapping]] = ..., failed: _Optional[_Union[AgentError, _Mapping]] = ..., cancelled: _Optional[_Union[RunCancelled, _Mapping]] = ..., completed_part: _Optional[bytes] = ...) -> None: ...

class RunStarted(_message.Message):
    __slots__ = ("incarnation", "model_name", "conversation_id")
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    incarnation: int
    model_name: str
    conversation_id: str
    def __init__(self, incarnation: _Optional[int] = ..., model_name: _Optional[str] = ..., conversation_id: _Optional[str] = ...) -> None: ...

class TextDelta(_message.Message):
    __slots__ = ("part_index",)
    PART_INDEX_FIELD_NUMBER: _ClassVar[int]
    part_index: int
    def __init__(self, part_index: _Optional[int] = ...) -> None: ...

class ThinkingDelta(_message.Message):
    __slots__ = ("part_index", "text")
    PART_INDEX_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    part_index: int
    text: str
    def __init__(self, part_index: _Optional[int] = ..., text: _Optional[str] = ...) -> None: ...

class ToolArgsDelta(_message.Message):
    __slots__ = ("part_index", "tool_call_id", "tool_name", "text")
    PART_INDEX_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    part_index: int
    tool_call_id: str
    tool_name: str
    text: str
    def __init__(self, part_index: _Optional[int] = ..., tool_call_id: _Optional[str] = ..., tool_name: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class PartStart(_message.Message):
    __slots__ = ("part_index", "part_kind", "tool_call_id", "tool_name")
    PART_INDEX_FIELD_NUMBER: _ClassVar[int]
    PART_KIND_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_NAME_FIELD_NUMBER: _ClassVar[int]
    part_index: int
    part_kind: str
    tool_call_id: str
    tool_name: str
    def __init__(self, part_index: _Optional[int] = ..., part_kind: _Optional[str] = ..., tool_call_id: _Optional[str] = ..., tool_name: _Optional[str] = ...) -> None: ...

class PartEnd(_message.Message):
    __slots__ = ("part_index", "part_kind", "part_json", "omitted_bytes")
    PART_INDEX_FIELD_NUMBER: _ClassVar[int]
    PART_KIND_FIELD_NUMBER: _ClassVar[int]
    PART_JSON_FIELD_NUMBER: _ClassVar[int]
    OMITTED_BYTES_FIELD_NUMBER: _ClassVar[int]
    part_index: int
    part_kind: str
    part_json: bytes
    omitted_bytes: int
    def __init__(self, part_index: _Optional[int] = ..., part_kind: _Optional[str] = ..., part_json: _Optional[bytes] = ..., omitted_bytes: _Optional[int] = ...) -> None: ...

class CitationsDelta(_message.Message):
    __slots__ = ("part_index", "citations_json")
    PART_INDEX_FIELD_NUMBER: _ClassVar[int]
    CITATIONS_JSON_FIELD_NUMBER: _ClassVar[int]
    part_index: int
    citations_json: bytes
    def __init__(self, part_index: _Optional[int] = ..., citations_json: _Optional[bytes] = ...) -> None: ...

class ModelRetry(_message.Message):
    __slots__ = ("cause", "content_json", "attempt", "max_retries")
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_JSON_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    MAX_RETRIES_FIELD_NUMBER: _ClassVar[int]
    cause: str
    content_json: bytes
    attempt: int
    max_retries: int
    def __init__(self, cause: _Optional[str] = ..., content_json: _Optional[bytes] = ..., attempt: _Optional[int] = ..., max_retries: _Optional[int] = ...) -> None: ...

class PydanticEvent(_message.Message):
    __slots__ = ("kind", "event_json", "omitted_bytes")
    KIND_FIELD_NUMBER: _ClassVar[int]
    EVENT_JSON_FIELD_NUMBER: _ClassVar[int]
    OMITTED_BYTES_FIELD_NUMBER: _ClassVar[int]
    kind: str
    event_json: bytes
    omitted_bytes: int
    def __init__(self, kind: _Optional[str] = ..., event_json: _Optional[bytes] = ..., omitted_bytes: _Optional[int] = ...) -> None: ...

class FrontendText(_message.Message):
    __slots__ = ("text", "end")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    text: str
    end: FrontendEnd
    def __init__(self, text: _Optional[str] = ..., end: _Optional[_Union[FrontendEnd, str]] = ...) -> None: ...

class InputRequested(_message.Message):
    __slots__ = ("token", "name", "requests_json", "deadline_unix_ms", "omitted_bytes")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_JSON_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    OMITTED_BYTES_FIELD_NUMBER: _ClassVar[int]
    token: str
    name: str
    requests_json: bytes
    deadline_unix_ms: int
    omitted_bytes: int
    def __init__(self, token: _Optional[str] = ..., name: _Optional[str] = ..., requests_json: _Optional[bytes] = ..., deadline_unix_ms: _Optional[int] = ..., omitted_bytes: _Optional[int] = ...) -> None: ...

class InputAnswered(_message.Message):
    __slots__ = ("token", "name", "outcome")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    token: str
    name: str
    outcome: InputOutcome
    def __init__(self, token: _Optional[str] = ..., name: _Optional[str] = ..., outcome: _Optional[_Union[InputOutcome, str]] = ...) -> None: ...

class ToolCall(_message.Message):
    __slots__ = ("tool_call_id", "tool_name", "args_json", "args_valid", "omitted_bytes")
    TOOL_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_NAME_FIELD_NUMBER: _ClassVar[int]
    ARGS_JSON_FIELD_NUMBER: _ClassVar[int]
    ARGS_VALID_FIELD_NUMBER: _ClassVar[int]
    OMITTED_BYTES_FIELD_NUMBER: _ClassVar[int]
    tool_call_id: str
    tool_name: str
    args_json: bytes
    args_valid: bool
    omitted_bytes: int
    def __init__(self, tool_call_id: _Optional[str] = ..., tool_name: _Optional[str] = ..., args_json: _Optional[bytes] = ..., args_valid: _Optional[bool] = ..., omitted_bytes: _Optional[int] = ...) -> None: ...

class ToolResult(_message.Message):
    __slots__ = ("tool_call_id", "tool_name", "content_json", "outcome", "omitted_bytes")
    TOOL_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_JSON_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    OMITTED_BYTES_FIELD_NUMBER: _ClassVar[int]
    tool_call_id: str
    tool_name: str
    content_json: bytes
    outcome: ToolOutcome
    omitted_bytes: int
    def __init__(self, tool_call_id: _Optional[str] = ..., tool_name: _Optional[str] = ..., content_json: _Optional[bytes] = ..., outcome: _Optional[_Union[ToolOutcome, str]] = ..., omitted_bytes: _Optional[int] = ...) -> None: ...

class RunCancelled(_message.Message):
    __slots__ = ("reason", "usage", "messages_json", "unfinished")
    REASON_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_JSON_FIELD_NUMBER: _ClassVar[int]
    UNFINISHED_FIELD_NUMBER: _ClassVar[int]
    reason: str
    usage: Usage
    messages_json: bytes
    unfinished: bool
    def __init__(self, reason: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., messages_json: _Optional[bytes] = ..., unfinished: _Optional[bool] = ...) -> None: ...

class AgentError(_message.Message):
    __slots__ = ("kind", "message", "retriable", "retry_after_s", "python_type", "traceback", "causes", "issues", "tool_name", "tool_call_id", "model_name", "http_status", "body", "run_id", "usage", "messages_json", "truncated", "limit_name", "extra_json", "unfinished", "provider_error_code", "provider_error_type")
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RETRIABLE_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_S_FIELD_NUMBER: _ClassVar[int]
    PYTHON_TYPE_FIELD_NUMBER: _ClassVar[int]
    TRACEBACK_FIELD_NUMBER: _ClassVar[int]
    CAUSES_FIELD_NUMBER: _ClassVar[int]
    ISSUES_FIELD_NUMBER: _ClassVar[int]
    TOOL_NAME_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    HTTP_STATUS_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_JSON_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    LIMIT_NAME_FIELD_NUMBER: _ClassVar[int]
    EXTRA_JSON_FIELD_NUMBER: _ClassVar[int]
    UNFINISHED_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_ERROR_TYPE_FIELD_NUMBER: _ClassVar[int]
    kind: AgentErrorKind
    message: str
    retriable: bool
    retry_after_s: float
    python_type: str
    traceback: str
    causes: _containers.RepeatedCompositeFieldContainer[AgentError]
    issues: _containers.RepeatedCompositeFieldContainer[ValidationIssue]
    tool_name: str
    tool_call_id: str
    model_name: str
    http_status: int
    body: str
    run_id: str
    usage: Usage
    messages_json: bytes
    truncated: bool
    limit_name: str
    extra_json: bytes
    unfinished: bool
    provider_error_code: str
    provider_error_type: str
    def __init__(self, kind: _Optional[_Union[AgentErrorKind, str]] = ..., message: _Optional[str] = ..., retriable: _Optional[bool] = ..., retry_after_s: _Optional[float] = ..., python_type: _Optional[str] = ..., traceback: _Optional[str] = ..., causes: _Optional[_Iterable[_Union[AgentError, _Mapping]]] = ..., issues: _Optional[_Iterable[_Union[ValidationIssue, _Mapping]]] = ..., tool_name: _Optional[str] = ..., tool_call_id: _Optional[str] = ..., model_name: _Optional[str] = ..., http_status: _Optional[int] = ..., body: _Optional[str] = ..., run_id: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., messages_json: _Optional[bytes] = ..., truncated: _Optional[bool] = ..., limit_name: _Optional[str] = ..., extra_json: _Optional[bytes] = ..., unfinished: _Optional[bool] = ..., provider_error_code: _Optional[str] = ..., provider_error_type: _Optional[str] = ...) -> None: ...

class ValidationIssue(_message.Message):
    __slots__ = ("type", "loc_json", "msg", "input_json", "ctx_json")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    LOC_JSON_FIELD_NUMBER: _ClassVar[int]
    MSG_FIELD_NUMBER: _ClassVar[int]
    INPUT_JSON_FIELD_NUMBER: _ClassVar[int]
    CTX_JSON_FIELD_NUMBER: _ClassVar[int]
    type: str
    loc_json: bytes
    msg: str
    input_json: bytes
    ctx_json: bytes
    def __init__(self, type: _Optional[str] = ..., loc_json: _Optional[bytes] = ..., msg: _Optional[str] = ..., input_json: _Optional[bytes] = ..., ctx_json: _Optional[bytes] = ...) -> None: ...

class DescribeRequest(_message.Message):
    __slots__ = ("agent_id",)
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    def __init__(self, agent_id: _Optional[str] = ...) -> None: ...

class DescribeResponse(_message.Message):
    __slots__ = ("agent_id", "name", "description", "model", "output_schema_json", "deps_schema_json", "tools", "schema_hash", "pydantic_ai_version", "python_version", "protocol_version", "input_schema_json", "deps_type", "unknown_toolsets", "output_tools", "synapse_otp_version", "features")
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    DEPS_SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_HASH_FIELD_NUMBER: _ClassVar[int]
    PYDANTIC_AI_VERSION_FIELD_NUMBER: _ClassVar[int]
    PYTHON_VERSION_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    INPUT_SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    DEPS_TYPE_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_TOOLSETS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOOLS_FIELD_NUMBER: _ClassVar[int]
    SYNAPSE_OTP_VERSION_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    name: str
    description: str
    model: str
    output_schema_json: bytes
    deps_schema_json: bytes
    tools: _containers.RepeatedCompositeFieldContainer[ToolSpec]
    schema_hash: str
    pydantic_ai_version: str
    python_version: str
    protocol_version: int
    input_schema_json: bytes
    deps_type: str
    unknown_toolsets: _containers.RepeatedScalarFieldContainer[str]
    output_tools: _containers.RepeatedScalarFieldContainer[str]
    synapse_otp_version: str
    features: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, agent_id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., model: _Optional[str] = ..., output_schema_json: _Optional[bytes] = ..., deps_schema_json: _Optional[bytes] = ..., tools: _Optional[_Iterable[_Union[ToolSpec, _Mapping]]] = ..., schema_hash: _Optional[str] = ..., pydantic_ai_version: _Optional[str] = ..., python_version: _Optional[str] = ..., protocol_version: _Optional[int] = ..., input_schema_json: _Optional[bytes] = ..., deps_type: _Optional[str] = ..., unknown_toolsets: _Optional[_Iterable[str]] = ..., output_tools: _Optional[_Iterable[str]] = ..., synapse_otp_version: _Optional[str] = ..., features: _Optional[_Iterable[str]] = ...) -> None: ...

class ToolSpec(_message.Message):
    __slots__ = ("name", "description", "parameters_schema_json", "sequential", "requires_approval", "timeout_ms", "external")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    SEQUENTIAL_FIELD_NUMBER: _ClassVar[int]
    REQUIRES_APPROVAL_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    parameters_schema_json: bytes
    sequential: bool
    requires_approval: bool
    timeout_ms: int
    external: bool
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., parameters_schema_json: _Optional[bytes] = ..., sequential: _Optional[bool] = ..., requires_approval: _Optional[bool] = ..., timeout_ms: _Optional[int] = ..., external: _Optional[bool] = ...) -> None: ...

class AwaitEndRequest(_message.Message):
    __slots__ = ("run_id", "attempt")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    attempt: int
    def __init__(self, run_id: _Optional[str] = ..., attempt: _Optional[int] = ...) -> None: ...

class AwaitEndResponse(_message.Message):
    __slots__ = ("known",)
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    known: bool
    def __init__(self, known: _Optional[bool] = ...) -> None: ...

class SteerRequest(_message.Message):
    __slots__ = ("run_id", "attempt", "content", "priority")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    attempt: int
    content: _containers.RepeatedCompositeFieldContainer[ContentPart]
    priority: SteerPriority
    def __init__(self, run_id: _Optional[str] = ..., attempt: _Optional[int] = ..., content: _Optional[_Iterable[_Union[ContentPart, _Mapping]]] = ..., priority: _Optional[_Union[SteerPriority, str]] = ...) -> None: ...

class SteerResponse(_message.Message):
    __slots__ = ("accepted",)
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    accepted: bool
    def __init__(self, accepted: _Optional[bool] = ...) -> None: ...
