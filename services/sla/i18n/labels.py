"""What every code is called that a citizen or an officer can see: Vietnamese first, English second. The one table.

Units, services, reasons and papers have their names in the catalogue; everything else has them here.
"""

from collections.abc import Mapping
from typing import Final

from deadlines.catalogue import Catalogue
from deadlines.entries import Name
from sla.counting.annex import Cause
from sla.counting.line import Cut
from sla.i18n.texts import Text
from sla.judging.ledger import LedgerClock
from sla.judging.rows import Act


def reason_of(catalogue: Catalogue, word: str) -> Text:
    """A word that stands as a reason, or as what is waited for; itself where nobody has said more."""
    reason = catalogue.reasons.get(word)
    return Text(reason.vi, reason.en) if reason else WAITS.get(word, Text(word, word))


def value_of(catalogue: Catalogue, code: str) -> Text:
    """A code that stands as a value in a fact: a unit, a service, a reason, a step, a word; itself otherwise."""
    name: Name | None = catalogue.unit(code).name if catalogue.has_unit(code) else None
    if code in catalogue.services:
        name = catalogue.services[code].name
    if name is not None:
        return Text(f"{name.vi} ({code})", f"{name.en} ({code})")
    return STEPS.get(code) or VALUES.get(code) or reason_of(catalogue, code)


KINDS: Final[Mapping[Cut, Text]] = {
    "organisation": Text("Cơ quan, tổ chức", "Organisations"),
    "counter": Text("Trung tâm Hành chính công", "Counters"),
    "department": Text("Phòng, Điện lực (lượt xử lý)", "Departments (stays)"),
    "team": Text("Đội công tác (lượt xử lý)", "Teams (stays)"),
    "agency": Text("Cơ quan phối hợp (lượt lấy ý kiến)", "Agencies (referrals)"),
    "service": Text("Dịch vụ", "Services"),
    "field": Text("Lĩnh vực", "Fields"),
    "channel": Text("Hình thức tiếp nhận", "Channels"),
    "district": Text("Địa bàn", "Districts"),
}

CAUSES: Final[Mapping[Cause, Text]] = {
    "staff": Text("Do cán bộ, đơn vị xử lý chậm", "Staff: a unit overran its step"),
    "other-agency": Text("Do cơ quan phối hợp", "Another agency"),
    "customer": Text("Do khách hàng", "The customer"),
    "mechanism": Text("Do cơ chế, quy trình", "The mechanism: steps longer than the promise"),
}

WORDS: Final[Mapping[str, Text]] = {
    "LV": Text("Hạ áp", "Low voltage"),
    "MV": Text("Trung áp", "Medium voltage"),
    "CONTRACT": Text("Dịch vụ hợp đồng", "Contract services"),
    "other": Text("Ngoài danh mục", "Not in the catalogue"),
    "counter": Text("Trực tiếp", "At the counter"),
    "online": Text("Trực tuyến", "Online"),
    "post": Text("Bưu chính", "By post"),
    "zalo": Text("Zalo", "Zalo"),
    "hotline": Text("Tổng đài", "Hotline"),
}
"""Fields and channels of the record's cuts."""

CLASSES: Final = {
    "ahead": Text("Trước hạn", "Ahead of time"),
    "on-time": Text("Đúng hạn", "On time"),
    "overdue": Text("Quá hạn", "Overdue"),
}

OUTCOMES: Final = {
    "open": Text("Đang giải quyết", "Open"),
    "released": Text("Đã có kết quả", "Released"),
    "closed": Text("Đã trả kết quả", "Result handed over"),
    "refused": Text("Kết thúc không có kết quả: từ chối", "Ended without result: refused"),
    "withdrawn": Text("Kết thúc không có kết quả: khách hàng rút hồ sơ", "Ended without result: withdrawn"),
    "stopped": Text("Kết thúc không có kết quả: dừng xử lý", "Ended without result: stopped"),
}

CLOCKS: Final[Mapping[LedgerClock, Text]] = {
    "utility": Text("Công ty điện lực", "Power company"),
    "customer": Text("Khách hàng", "Customer"),
    "agency": Text("Cơ quan nhà nước", "State agency"),
    "not counted": Text("Không tính", "Not counted"),
}

TIMES: Final = {
    "worked": Text("Thời gian làm việc", "Working time"),
    "paused": Text("Tạm dừng", "Paused"),
    "closed hours": Text("Ngoài giờ làm việc", "Outside working hours"),
    "holiday": Text("Ngày nghỉ lễ", "Public holiday"),
    "day of receipt": Text("Ngày tiếp nhận, không tính", "Day of receipt, not counted"),
}

ACTS: Final[Mapping[Act, Text]] = {
    "extension": Text("Gia hạn", "Extensions"),
    "supplement": Text("Yêu cầu bổ sung", "Supplements asked for"),
    "action": Text("Yêu cầu khách hàng thực hiện", "Actions asked of customers"),
    "obstacle": Text("Vướng mắc do khách hàng", "Obstacles of the customer"),
    "refusal": Text("Từ chối", "Refusals"),
    "early closing": Text("Kết thúc sớm", "Early closings"),
    "correction": Text("Sửa dữ liệu", "Corrections"),
}

MADE: Final = {
    "with result": Text("Đã giải quyết có kết quả", "Solved with a result"),
    "mv": Text("Trung áp đã có kết quả", "Medium voltage, released"),
    "rated": Text("Đã được đánh giá", "Rated"),
}

SETTLED: Final = {
    "delay": Text("Thời gian chậm theo đơn vị", "Delay by unit"),
    "dwell": Text("Thời gian xử lý theo bước", "Time in each step"),
    "cause": Text("Nguyên nhân quá hạn", "Cause of being overdue"),
    "last held by": Text("Đơn vị giữ sau cùng", "Last held by"),
}
"""Figures of a sealed record that stand in no line of it."""

MEASURES: Final = {
    "delay seconds": Text("Thời gian chậm (giây)", "Delay (seconds)"),
    "mv utility seconds": Text("Trung áp: thời gian của điện lực (giây)", "MV: time of the company (seconds)"),
    "mv customer seconds": Text("Trung áp: thời gian của khách hàng (giây)", "MV: time of the customer (seconds)"),
    "mv agency seconds": Text("Trung áp: thời gian của cơ quan khác (giây)", "MV: time of agencies (seconds)"),
    "mv elapsed seconds": Text("Trung áp: thời gian lịch (giây)", "MV: elapsed time (seconds)"),
    "dossiers": Text("Số hồ sơ", "Dossiers"),
    "seconds": Text("Số giây làm việc", "Working seconds"),
    "stays": Text("Số lượt", "Stays"),
    "p50": Text("Trung vị (giây)", "Median (seconds)"),
    "p90": Text("Phân vị 90% (giây)", "90th percentile (seconds)"),
    "longest": Text("Lâu nhất (giây)", "Longest (seconds)"),
}
"""Sums and lengths that a restatement can name beside the columns."""

WHYS: Final = {"overdue-share": Text("Tỷ lệ quá hạn vượt ngưỡng", "The overdue share passed its threshold")}
"""Thresholds that open a remedial action."""

STEPS: Final = {
    "reception": Text("Tiếp nhận tại quầy", "Reception at the counter"),
    "assign": Text("Phân công xử lý", "Assignment"),
    "survey": Text("Khảo sát", "Survey"),
    "agreement": Text("Thỏa thuận đấu nối", "Agreement on the connection"),
    "check": Text("Kiểm tra điều kiện", "Check before energising"),
    "contract": Text("Ký hợp đồng", "Contract"),
    "draft": Text("Soạn hợp đồng", "Drafting of the contract"),
    "install": Text("Thi công lắp đặt", "Installation"),
    "energise": Text("Đóng điện", "Energising"),
    "close": Text("Hoàn tất hồ sơ", "Completion of the dossier"),
}
"""Steps of the processes and the work on site that they ask for."""

WAITS: Final = {
    "supplement": Text("bổ sung hồ sơ", "the supplement that was asked for"),
    "own-works": Text("công trình của khách hàng", "the customer's own works"),
    "payment": Text("thanh toán", "the payment"),
    "signature": Text("ký giấy tờ", "a signature"),
    "contract-signature": Text("ký hợp đồng", "the signature of the contract"),
    "road-trench": Text("giấy phép đào đường", "the permit to dig"),
    "corridor-overhead": Text("hành lang tuyến trên không", "the overhead corridor"),
    "corridor-underground": Text("hành lang tuyến ngầm", "the underground corridor"),
    "substation-position": Text("vị trí trạm biến áp", "the position of the substation"),
    "land-use": Text("ý kiến về sử dụng đất", "the opinion on land use"),
    "grid-planning": Text("ý kiến về quy hoạch lưới điện", "the opinion on the plan of the grid"),
    "fire-safety": Text("thẩm duyệt phòng cháy, chữa cháy", "the approval of fire safety"),
}
"""What is waited for while the company's clock stands still: of the customer, or a matter before an agency."""

VALUES: Final = {
    **WORDS,
    "customer": Text("khách hàng", "customer"),
    "agency": Text("cơ quan phối hợp", "agency"),
    "utility": Text("ngành điện", "the power company"),
    "agreed": Text("chấp thuận", "agreed"),
    "refused": Text("không chấp thuận", "refused"),
    "no-objection": Text("không có ý kiến khác", "no objection"),
    "software": Text("phần mềm", "the software"),
    "token": Text("làm mới mã truy cập", "renew the token"),
    "reschedule": Text("gửi lại sau", "send later"),
    "human": Text("cần người xử lý", "somebody has to look"),
    "other-channel": Text("dùng kênh khác", "use another channel"),
    "permanent": Text("không gửi được", "cannot be sent"),
    "NHAN": Text("đã nhận", "received"),
    "XONG": Text("đã xong", "done"),
    "electricity": Text("điện lực", "electricity"),
    "true": Text("có", "yes"),
    "false": Text("không", "no"),
}
"""Words that stand as values in facts."""

FIELDS: Final = {
    "about": Text("sự kiện được báo", "the event told of"),
    "action": Text("việc cần làm", "action"),
    "advice_id": Text("mã tư vấn", "advice"),
    "agency": Text("cơ quan", "agency"),
    "answers": Text("yêu cầu được trả lời", "the request that is answered"),
    "applicant_ref": Text("mã người nộp", "applicant's reference"),
    "appointment": Text("ngày hẹn", "appointment"),
    "approved_by": Text("người duyệt", "approved by"),
    "at": Text("thời điểm", "time"),
    "because": Text("sự kiện gây ra", "causing event"),
    "by": Text("cách trả", "way of returning"),
    "channel": Text("hình thức tiếp nhận", "channel"),
    "code": Text("mã lỗi", "error code"),
    "counter": Text("nơi tiếp nhận", "counter"),
    "district": Text("địa bàn", "district"),
    "due": Text("thời hạn", "due"),
    "ends": Text("giờ kết thúc", "end"),
    "fault": Text("bên chịu trách nhiệm", "whose fault it is"),
    "from_unit": Text("đơn vị giao", "handing unit"),
    "handed_over": Text("đã bàn giao", "handed over"),
    "leader": Text("lãnh đạo", "leader"),
    "matter": Text("nội dung lấy ý kiến", "matter"),
    "message_id": Text("mã tin nhắn", "message"),
    "organisation": Text("cơ quan, tổ chức", "organisation"),
    "outcome": Text("kết quả trả lời", "outcome"),
    "previous_case": Text("hồ sơ trước", "previous dossier"),
    "process": Text("quy trình", "process"),
    "provider_id": Text("mã của nhà cung cấp", "provider's reference"),
    "reason": Text("lý do", "reason"),
    "repeat": Text("gửi lặp lại", "perhaps repeated"),
    "sector": Text("ngành", "sector"),
    "service": Text("thủ tục", "service"),
    "stars": Text("điểm đánh giá", "mark"),
    "starts": Text("giờ bắt đầu", "start"),
    "step": Text("bước", "step"),
    "submission": Text("lần nộp", "submission"),
    "submission_id": Text("mã lần nộp", "submission"),
    "team": Text("đội công tác", "team"),
    "template": Text("mẫu tin nhắn", "template"),
    "to": Text("người nhận", "receiver"),
    "to_unit": Text("đơn vị nhận", "receiving unit"),
    "topic": Text("nội dung tư vấn", "topic"),
    "unit": Text("đơn vị", "unit"),
    "word": Text("từ trả lời", "word of the answer"),
    "work": Text("việc tại hiện trường", "work on site"),
}
"""Fields of facts that a correction can name."""

FACTS: Final = {
    "ApplicationSubmitted": Text("Nộp hồ sơ", "submission"),
    "AdviceGiven": Text("Tư vấn", "advice"),
    "ApplicationReceived": Text("Tiếp nhận hồ sơ", "receipt"),
    "SupplementRequested": Text("Yêu cầu bổ sung", "request for a supplement"),
    "SupplementReceived": Text("Nhận bổ sung", "supplement received"),
    "ApplicationRefused": Text("Từ chối", "refusal"),
    "ApplicationWithdrawn": Text("Khách hàng rút hồ sơ", "withdrawal"),
    "ProcessingStopped": Text("Dừng xử lý", "stop"),
    "DeadlineExtended": Text("Xin lỗi và hẹn lại", "apology and new appointment"),
    "CaseClosed": Text("Trả kết quả cho khách hàng", "result handed to the customer"),
    "CaseReopened": Text("Mở lại hồ sơ", "reopening"),
    "CustomerRated": Text("Khách hàng đánh giá", "customer's mark"),
    "ServiceReclassified": Text("Xác định lại thủ tục", "reclassification"),
    "MessagePrepared": Text("Soạn tin nhắn", "message prepared"),
    "MessageDelivered": Text("Đã gửi tin nhắn", "message delivered"),
    "MessageFailed": Text("Gửi tin nhắn không được", "message failed"),
    "MessageInDoubt": Text("Tin nhắn chưa rõ đã gửi", "message in doubt"),
    "StaffReplied": Text("Đơn vị trả lời qua Zalo", "unit's answer over Zalo"),
    "DossierForwarded": Text("Giao hồ sơ", "hand-over"),
    "DossierAcknowledged": Text("Nhận hồ sơ", "acknowledgement"),
    "StepCompleted": Text("Hoàn thành bước", "step completed"),
    "CustomerActionRequested": Text("Yêu cầu khách hàng thực hiện", "request to the customer"),
    "CustomerActionCompleted": Text("Khách hàng đã thực hiện", "customer's part done"),
    "AgencyReferred": Text("Lấy ý kiến cơ quan", "referral to an agency"),
    "AgencyReplied": Text("Cơ quan trả lời", "agency's reply"),
    "DossierReturned": Text("Trả hồ sơ về quầy", "return to the counter"),
    "DossierRecalled": Text("Thu hồi hồ sơ", "recall"),
    "DossierEscalated": Text("Báo cáo lãnh đạo", "escalation"),
    "WorkOrderIssued": Text("Giao việc tại hiện trường", "work order"),
    "VisitScheduled": Text("Hẹn đến hiện trường", "visit scheduled"),
    "VisitMissed": Text("Lỡ hẹn đến hiện trường", "visit missed"),
    "WorkStarted": Text("Bắt đầu thi công", "start of work"),
    "WorkObstructed": Text("Vướng mắc tại hiện trường", "obstacle on site"),
    "WorkResumed": Text("Tiếp tục thi công", "resumption of work"),
    "WorkCompleted": Text("Hoàn thành thi công", "work completed"),
    "WorkOrderCancelled": Text("Hủy việc tại hiện trường", "work order cancelled"),
    "FactVoided": Text("Hủy sự kiện", "void"),
    "FactCorrected": Text("Sửa sự kiện", "correction"),
    "DeadlineApproaching": Text("Sắp đến hạn", "deadline approaching"),
    "DeadlineMissed": Text("Quá hạn", "deadline missed"),
    "DeadlineOverrun": Text("Vẫn quá hạn, báo lên cấp trên", "still overdue, put before a higher unit"),
    "DeadlineMissWithdrawn": Text("Rút cảnh báo quá hạn", "missed deadline withdrawn"),
    "LimitApproaching": Text("Thời hạn của đơn vị sắp hết", "a unit's limit approaching"),
    "LimitMissed": Text("Đơn vị quá thời hạn", "a unit's limit missed"),
    "LimitMissWithdrawn": Text("Rút cảnh báo đơn vị quá thời hạn", "a unit's missed limit withdrawn"),
    "VerdictReached": Text("Kết luận về thời hạn", "verdict"),
    "VerdictAmended": Text("Sửa kết luận về thời hạn", "verdict amended"),
    "EventRefused": Text("Từ chối sự kiện của hệ thống khác", "refusal of another system's event"),
    "GenerationSwapped": Text("Thay bảng số liệu", "swap of the tables"),
    "MonthSealed": Text("Ký báo cáo kỳ", "record signed"),
    "MonthRestated": Text("Điều chỉnh báo cáo kỳ", "record restated"),
    "RemedialActionOpened": Text("Yêu cầu chấn chỉnh", "remedial action opened"),
    "RemedialActionClosed": Text("Kết thúc chấn chỉnh", "remedial action closed"),
    "OperatorActed": Text("Thao tác của người vận hành", "act of an operator"),
    "CalendarPublished": Text("Công bố lịch làm việc", "calendar published"),
    "CataloguePublished": Text("Công bố danh mục", "catalogue published"),
}

OTHER_FINDING: Final = Text("Cần xem lại", "Worth a look")
"""Of a finding that another version of the judge made."""
FINDINGS: Final = {
    "no-receipt": Text("Hồ sơ không có sự kiện tiếp nhận", "The case has no receipt"),
    "before-receipt": Text("Sự kiện trước khi tiếp nhận, không tính", "Before receipt: moved nothing"),
    "received-again": Text("Tiếp nhận lần nữa, không tính", "Received a second time: moved nothing"),
    "after-end": Text("Sau khi kết thúc, không tính", "After the end of the cycle: moved nothing"),
    "answers-nothing": Text("Trả lời cho yêu cầu không tồn tại", "Answers nothing that was open"),
    "answered-by-another": Text("Cơ quan khác trả lời", "Another agency answered"),
    "acknowledged-again": Text("Xác nhận nhận lần nữa", "Acknowledged a second time"),
    "acknowledged-by-another": Text("Đơn vị khác xác nhận nhận", "Acknowledged by a unit not in charge"),
    "forwarded-by-another": Text("Đơn vị không giữ hồ sơ đã giao", "Handed over by a unit not in charge"),
    "returned-by-another": Text("Đơn vị không giữ hồ sơ đã trả", "Returned by a unit not in charge"),
    "extended-twice": Text("Gia hạn lần thứ hai, không tính", "A second extension does not count"),
    "extended-after-due": Text("Gia hạn sau khi quá hạn, không tính", "An extension after due does not count"),
    "reopened-while-open": Text("Mở lại khi chưa kết thúc, không tính", "Reopened while open: moved nothing"),
    "due-ignored": Text("Thời hạn tính lại theo quy định", "The stated due gives way to the pinned limit"),
    "appointment-differs": Text("Ngày hẹn khác thời hạn tính được", "The receipt's appointment is not the due instant"),
    "agency-unnamed": Text("Vướng mắc không nêu tên cơ quan", "An agency's obstacle that names no agency"),
    "unknown-service": Text("Thủ tục không có trong danh mục", "The catalogue does not know the service"),
    "unknown-calendar": Text("Lịch làm việc không có trong danh mục", "The catalogue does not know the calendar"),
    "corrects-nothing": Text("Sửa một sự kiện không có trong hồ sơ", "Corrects a fact that is not in the case"),
    "corrects-correction": Text("Sửa một việc sửa, không tính", "Corrects a correction: does not count"),
    "corrects-anothers": Text("Sửa sự kiện của nơi khác, không tính", "Corrects what another said: does not count"),
    "corrects-voided": Text("Sửa một sự kiện đã hủy, không tính", "Corrects what was voided: does not count"),
    "voided-before": Text("Sự kiện đã hủy trước đó", "It was voided before"),
    "does-not-fit": Text("Giá trị sửa không hợp lệ, không tính", "The corrected value does not fit: does not count"),
    "beyond-calendar": Text("Ngoài phạm vi lịch", "Beyond the years of the calendar"),
}
