%% Runs in the benchmark's `erl`: the measures of protocol.ts on Erlang/OTP itself. Reads requests on stdin, one a line, and answers each with
%% one line; ends with its stdin.
-module(otp_bench).
-behaviour(gen_server).
-export([main/0, start_child/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).
-export([callback_mode/0, waiting/3]).

-define(WINDOW_SECONDS, 1).
-define(MANY_RESTARTS, 1000000).

main() ->
    %% Crash reports are not what is measured.
    logger:set_primary_config(level, none),
    process_flag(trap_exit, true),
    io:format("ready ~s~n", [erlang:system_info(otp_release)]),
    loop().

loop() ->
    case io:get_line("") of
        eof ->
            erlang:halt(0);
        Line ->
            [Measure | Numbers] = string:lexemes(Line, " \n"),
            Sizes = [list_to_integer(Number) || Number <- Numbers],
            try measure(list_to_atom(Measure), Sizes) of
                none -> io:format("none~n");
                Figures -> io:format("ok~s~n", [[io_lib:format(" ~.6f", [Figure * 1.0]) || Figure <- Figures]])
            catch
                Class:Reason -> io:format("error ~0p~n", [{Class, Reason}])
            end,
            erlang:garbage_collect(),
            loop()
    end.

%% Every measure answers a list of figures, or none; protocol.ts says which.
measure(call, [Calls]) ->
    {ok, Server} = start(),
    Rate = in_process(fun() -> rate(Calls, fun() -> call_times(Server, Calls) end) end),
    gen_server:stop(Server),
    [Rate];
measure(cast, [Casts]) ->
    {ok, Server} = start(),
    Rate = in_process(fun() ->
        rate(Casts, fun() ->
            cast_times(Server, Casts),
            gen_server:call(Server, get, infinity)
        end)
    end),
    gen_server:stop(Server),
    [Rate];
measure(spawn, [Count]) ->
    {Us, Servers} = timer:tc(fun() -> start_times(Count) end),
    {StopUs, _} = timer:tc(fun() -> [gen_server:stop(Server) || Server <- Servers] end),
    [Count * 1.0e6 / Us, Count * 1.0e6 / StopUs];
measure(oneByOne, [Count]) ->
    {Us, _} = timer:tc(fun() -> start_and_stop(Count) end),
    [Us / Count];
measure(restart, [Children, Crashes]) ->
    restart(one_for_one, Children, Crashes);
measure(restartDynamic, [Children, Crashes]) ->
    restart(simple_one_for_one, Children, Crashes);
measure(startStop, [Children, Repeats]) ->
    Runs = [start_stop(Children) || _ <- lists:seq(1, Repeats)],
    {Starts, Stops} = lists:unzip(Runs),
    [lists:sum(Starts) / Repeats / Children, lists:sum(Stops) / Repeats / Children];
measure(heap, [Count]) ->
    Servers = start_times(Count),
    [gen_server:call(Server, get) || Server <- Servers],
    Bytes = lists:sum([memory(Server) || Server <- Servers]),
    [gen_server:stop(Server) || Server <- Servers],
    [Bytes / Count];
measure(timers, [Pending, Count]) ->
    Machines = [start_machine() || _ <- lists:seq(1, Pending)],
    {Us, _} = timer:tc(fun() -> start_and_stop_machines(Count) end),
    [gen_statem:stop(Machine) || Machine <- Machines],
    [Us / Count];
measure(inspected, _) ->
    none.

%% The work is done by a process of its own, as a service's would be.
in_process(Work) ->
    Self = self(),
    spawn_link(fun() -> Self ! {done, self(), Work()} end),
    receive
        {done, Worker, Result} ->
            receive {'EXIT', Worker, normal} -> Result end
    end.

rate(Count, Work) ->
    {Us, _} = timer:tc(Work),
    Count * 1.0e6 / Us.

start() -> gen_server:start(?MODULE, plain, []).

start_times(Count) -> [element(2, start()) || _ <- lists:seq(1, Count)].

call_times(_, 0) -> ok;
call_times(Server, Left) ->
    gen_server:call(Server, get),
    call_times(Server, Left - 1).

cast_times(_, 0) -> ok;
cast_times(Server, Left) ->
    gen_server:cast(Server, increment),
    cast_times(Server, Left - 1).

start_and_stop(0) -> ok;
start_and_stop(Left) ->
    {ok, Server} = start(),
    gen_server:stop(Server),
    start_and_stop(Left - 1).

start_machine() ->
    {ok, Machine} = gen_statem:start(?MODULE, machine, []),
    Machine.

start_and_stop_machines(0) -> ok;
start_and_stop_machines(Left) ->
    gen_statem:stop(start_machine()),
    start_and_stop_machines(Left - 1).

memory(Server) ->
    erlang:garbage_collect(Server),
    {memory, Bytes} = erlang:process_info(Server, memory),
    Bytes.

%% Crashes go out in waves, one for every child at most; a wave is over when every replacement runs.
restart(Strategy, Children, Crashes) ->
    Supervisor = start_supervisor(Strategy, Children),
    Refs = started(Children, #{}),
    {Us, _} = timer:tc(fun() -> waves(Refs, Children, Crashes) end),
    stop_supervisor(Supervisor),
    [Crashes * 1.0e6 / Us].

waves(_, _, Left) when Left =< 0 -> ok;
waves(Refs, Children, Left) ->
    Size = min(Children, Left),
    [maps:get(Index, Refs) ! crash || Index <- lists:seq(1, Size)],
    waves(started(Size, Refs), Children, Left - Size).

started(0, Refs) -> Refs;
started(Left, Refs) ->
    receive {started, Index, Ref} -> started(Left - 1, Refs#{Index => Ref}) end.

start_stop(Children) ->
    {StartUs, Supervisor} = timer:tc(fun() -> start_supervisor(one_for_one, Children) end),
    {StopUs, _} = timer:tc(fun() -> stop_supervisor(Supervisor) end),
    started(Children, #{}),
    {StartUs, StopUs}.

start_supervisor(one_for_one, Children) ->
    Specs = [#{id => Index, start => {?MODULE, start_child, [self(), Index]}} || Index <- lists:seq(1, Children)],
    {ok, Supervisor} = supervisor:start_link(?MODULE, {supervisor, one_for_one, Specs}),
    Supervisor;
start_supervisor(simple_one_for_one, Children) ->
    Spec = #{id => child, start => {?MODULE, start_child, [self()]}},
    {ok, Supervisor} = supervisor:start_link(?MODULE, {supervisor, simple_one_for_one, [Spec]}),
    [{ok, _} = supervisor:start_child(Supervisor, [Index]) || Index <- lists:seq(1, Children)],
    Supervisor.

stop_supervisor(Supervisor) ->
    Monitor = monitor(process, Supervisor),
    exit(Supervisor, shutdown),
    receive {'DOWN', Monitor, process, Supervisor, _} -> ok end,
    receive {'EXIT', Supervisor, _} -> ok end.

start_child(Owner, Index) -> gen_server:start_link(?MODULE, {child, Owner, Index}, []).

init({supervisor, Strategy, Specs}) ->
    {ok, {#{strategy => Strategy, intensity => ?MANY_RESTARTS, period => ?WINDOW_SECONDS}, Specs}};
init({child, Owner, Index}) ->
    Owner ! {started, Index, self()},
    {ok, 0};
init(machine) ->
    {ok, waiting, none, [{state_timeout, 3600000, late}]};
init(plain) ->
    {ok, 0}.

callback_mode() -> state_functions.

waiting(state_timeout, late, Data) -> {next_state, late, Data}.

handle_call(get, _From, Count) -> {reply, Count, Count + 1}.

handle_cast(increment, Count) -> {noreply, Count + 1}.

handle_info(crash, _) -> error(crash).
