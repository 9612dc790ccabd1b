/**
 * The rows of the OTP conformance catalogue, by number: behaviours that OTP's and Elixir's own test suites pin down. A test names its row at the
 * start of its title. S: supervisors; G: servers; P: processes; D: dynamic and partition supervisors; R: registries; T: tasks.
 */

/** Whether a row holds here as it stands, by other means (its test's title says which), or not at all (`notApplicable` says why). */
export type Applies = "yes" | "adapted" | "no";

/** A row of the catalogue. */
export interface CatalogueRow {
  readonly id: string;
  readonly applies: Applies;
}

/** The letters, in the order of the catalogue. */
export const letters = ["S", "G", "P", "D", "R", "T"] as const;

const ids: Record<Applies, string> = {
  yes: `
    S1 S3 S4 S5 S6 S7 S8 S9 S10 S12 S13 S14 S15 S16 S19 S20 S25 S26 S28 S29 S30 S33 S34 S35 S36 S37 S39 S40 S41
    S42 S43 S44 S45 S47 S48 S49 S52 S53 S54 S56 S57 S58 S59 S60 S61 S62 S63 S65 S66 S67 S68 S69 S71 S72 S73 S74
    S75 S76 S77 S78 S79 S82 S83 S84 S87 S89 S90 S91 S92 S93 S96 S98 S99 S100 S101 S102 S103 S104 S105 S108 S109
    S110 S112 S114 S115 S118 S119 S124 S125 S126 S127 S128 S129 S130 S131 S132 S133 S134 S142 S144 S145 S146 S148
    S149 S150 S151 S153 S155 S156 S157 S159 S161 S162 S163 S164 S165 S166 S167 S169 S170 S171 S172 S173 S174 S175
    S176 S177 S179 S180 S181 S184 S186 S187 S188 S189
    G1 G3 G4 G6 G7 G8 G11 G12 G14 G15 G16 G17 G20 G21 G22 G23 G24 G26 G27 G29 G31 G32 G33 G34 G39 G41 G42 G49 G51
    G52 G54 G56 G58 G63 G64 G67 G68 G69 G72 G81 G86 G87 G88 G89 G91 G92
    P1 P2 P3 P4 P7 P8 P9 P10 P18 P20 P21 P22 P23 P26 P27 P28 P29 P31 P32 P33 P34 P36 P38 P39 P42 P44 P45 P47
    D1 D4 D5 D6 D9 D11 D12 D14 D15 D16 D17 D18 D19 D20 D22 D24 D26 D27 D28 D30 D32 D33 D34 D37 D38 D39 D41 D43
    R1 R3 R4 R5 R6 R10 R12 R13 R14 R15 R17 R18 R22 R25 R27 R28 R30 R31 R40
    T2 T4 T5 T6 T10 T11 T12 T16 T18 T19 T21 T23 T24 T28 T29 T32 T34 T35 T36 T37 T38 T39 T42 T44 T46 T47 T48 T50
    T51 T52 T54 T56 T57 T58 T59 T62`,
  adapted: `
    S18 S21 S22 S23 S24 S51 S70 S80 S81 S85 S97 S106 S107 S120 S122 S135 S136 S140 S147 S158 S178 S182 S183 S185
    G9 G13 G18 G35 G36 G37 G43 G46 G50 G57 G60 G70 G74 G75 G77 G78 G83 G84 G93
    P5 P14 P15 P16 P17 P25 P30 P37 P40 P43 P46
    D3 D10 D25 D29 D35 D36 D42
    R7 R8 R9 R16 R21 R24 R29 R32 R35 R36 R37 R38 R39
    T7 T8 T9 T13 T14 T15 T26 T27 T31 T41 T45 T49 T53 T55`,
  no: `
    S27 S55 S121 S137 S138 S139 S143
    G28 G40 G47 G48 G53 G61 G62 G73 G79 G80 G82 G90 G94
    P6 P41
    D7 D8
    R2 R26
    T17 T40`,
};

/** Every row. */
export const catalogue: readonly CatalogueRow[] = Object.entries(ids).flatMap(
  ([applies, list]) => list.match(/\S+/g)?.map((id) => ({ id, applies: applies as Applies })) ?? [],
);
