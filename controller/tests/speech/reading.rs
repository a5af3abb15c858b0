//! What is written, and how the loudspeaker says it.

use loa_controller::speech::{Abbreviations, normalise};

fn assert_read(pairs: &[(&str, &str)]) {
    let table = Abbreviations::built_in();
    let mut wrong = Vec::new();
    for (written, said) in pairs {
        let read = normalise(written, &table);
        if read != *said {
            wrong.push(format!(
                "written: {written}\n   want: {said}\n    got: {read}"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} are misread:\n{}",
        wrong.len(),
        pairs.len(),
        wrong.join("\n")
    );
}

#[test]
fn clock_times_are_told() {
    assert_read(&[
        ("Họp lúc 7h30.", "Họp lúc bảy giờ ba mươi phút."),
        (
            "Họp lúc 7h tại nhà văn hóa",
            "Họp lúc bảy giờ tại nhà văn hóa",
        ),
        ("từ 07:30", "từ bảy giờ ba mươi phút"),
        ("07:00 sáng mai", "bảy giờ sáng mai"),
        ("19g15 tối nay", "mười chín giờ mười lăm phút tối nay"),
        ("Họp 7g tại xóm", "Họp bảy giờ tại xóm"),
        ("pha gói 20g với nước", "pha gói hai mươi gam với nước"),
        ("7 giờ 30", "bảy giờ ba mươi"),
        ("7 giờ 30 phút", "bảy giờ ba mươi phút"),
        ("7h30-9h", "bảy giờ ba mươi phút đến chín giờ"),
        ("7h30 – 9h00", "bảy giờ ba mươi phút đến chín giờ"),
        ("từ 7-9h sáng", "từ bảy đến chín giờ sáng"),
        ("14h05 chiều nay", "mười bốn giờ năm phút chiều nay"),
        ("21h mất điện", "hai mươi mốt giờ mất điện"),
        ("lúc 7h30'", "lúc bảy giờ ba mươi phút"),
        ("lúc 7h30 phút", "lúc bảy giờ ba mươi phút"),
        ("lúc 7h 30 ngày mai", "lúc bảy giờ ba mươi phút ngày mai"),
        ("lúc 7h 30 hộ tập trung", "lúc bảy giờ ba mươi hộ tập trung"),
        ("nghỉ 15'", "nghỉ mười lăm phút"),
        ("Vào hồi 7 giờ 00 phút", "Vào hồi bảy giờ"),
        ("trực 24/24h", "trực hai mươi tư trên hai mươi tư giờ"),
    ]);
}

#[test]
fn dates_are_told() {
    assert_read(&[
        (
            "15/8/2026",
            "ngày mười lăm tháng tám năm hai nghìn không trăm hai mươi sáu",
        ),
        (
            "ngày 15-8-2026",
            "ngày mười lăm tháng tám năm hai nghìn không trăm hai mươi sáu",
        ),
        (
            "ngày 05.09.2026",
            "ngày năm tháng chín năm hai nghìn không trăm hai mươi sáu",
        ),
        (
            "2026-11-25",
            "ngày hai mươi lăm tháng mười một năm hai nghìn không trăm hai mươi sáu",
        ),
        ("sáng 15/8", "sáng ngày mười lăm tháng tám"),
        ("nghỉ lễ ngày 2/9", "nghỉ lễ ngày hai tháng chín"),
        ("ngày 2-9", "ngày hai tháng chín"),
        (
            "tháng 9/2026",
            "tháng chín năm hai nghìn không trăm hai mươi sáu",
        ),
        (
            "quyết toán 4/2026",
            "quyết toán tháng tư năm hai nghìn không trăm hai mươi sáu",
        ),
        ("30/4 và 1/5", "ngày ba mươi tháng tư và ngày một tháng năm"),
        ("mùng 5/1 âm lịch", "mùng năm tháng một âm lịch"),
        (
            "từ ngày 15-17/8",
            "từ ngày mười lăm đến ngày mười bảy tháng tám",
        ),
        (
            "từ 15/8 đến 20/8/2026",
            "từ ngày mười lăm tháng tám đến ngày hai mươi tháng tám năm hai nghìn không trăm hai mươi sáu",
        ),
        (
            "7h30 ngày 25/11/2026",
            "bảy giờ ba mươi phút ngày hai mươi lăm tháng mười một năm hai nghìn không trăm hai mươi sáu",
        ),
        ("năm 1975", "năm một nghìn chín trăm bảy mươi lăm"),
        (
            "giai đoạn 2021-2025",
            "giai đoạn hai nghìn không trăm hai mươi mốt đến hai nghìn không trăm hai mươi lăm",
        ),
        (
            "năm học 2026/2027",
            "năm học hai nghìn không trăm hai mươi sáu đến hai nghìn không trăm hai mươi bảy",
        ),
        ("thứ 2, ngày 4 tháng 4", "thứ hai, ngày bốn tháng tư"),
        ("thứ 4 hằng tuần", "thứ tư hằng tuần"),
        ("vào thứ 2, 4 và 6", "vào thứ hai, tư và sáu"),
        ("T2-T6", "thứ hai thứ sáu"),
        (
            "lịch T10/2026",
            "lịch tháng mười năm hai nghìn không trăm hai mươi sáu",
        ),
    ]);
}

#[test]
fn numbers_are_told() {
    assert_read(&[
        ("có 15 hộ", "có mười lăm hộ"),
        ("21 cháu", "hai mươi mốt cháu"),
        ("24 con trâu", "hai mươi tư con trâu"),
        ("105 phiếu", "một trăm linh năm phiếu"),
        ("1005 cây", "một nghìn không trăm linh năm cây"),
        ("2.500.000 người", "hai triệu năm trăm nghìn người"),
        ("1,000,000 người", "một triệu người"),
        ("2 500 000 người", "hai triệu năm trăm nghìn người"),
        ("2,5 lần", "hai phẩy năm lần"),
        ("0,75", "không phẩy bảy mươi lăm"),
        ("3,05", "ba phẩy không năm"),
        ("mục 2.1", "mục hai chấm một"),
        ("10-15 người", "mười đến mười lăm người"),
        ("10 – 15 người", "mười đến mười lăm người"),
        ("tỷ số 2-1", "tỷ số hai một"),
        ("1/2 diện tích", "một phần hai diện tích"),
        ("3/4 số hộ", "ba phần tư số hộ"),
        ("16/16 phiếu", "mười sáu trên mười sáu phiếu"),
        ("15/40 hộ", "mười lăm trên bốn mươi hộ"),
        ("xóm 3 - 15 hộ", "xóm ba, mười lăm hộ"),
        ("lần thứ 1", "lần thứ nhất"),
        ("các tổ 1,2,3", "các tổ một, hai, ba"),
        ("vào thứ 2,4,6", "vào thứ hai, tư, sáu"),
        ("bàn 3x4", "bàn ba nhân bốn"),
        ("2 lần/ngày", "hai lần một ngày"),
        ("lớp 5A", "lớp năm A"),
        ("mã 05", "mã không năm"),
    ]);
}

#[test]
fn money_is_told() {
    assert_read(&[
        ("thu 2.500.000đ", "thu hai triệu năm trăm nghìn đồng"),
        ("2.500.000 đồng", "hai triệu năm trăm nghìn đồng"),
        ("150.000 VNĐ", "một trăm năm mươi nghìn đồng"),
        ("mỗi hộ 50k", "mỗi hộ năm mươi nghìn đồng"),
        ("50k đồng", "năm mươi nghìn đồng"),
        ("2,5 triệu đồng", "hai phẩy năm triệu đồng"),
        ("1,2 tỷ đồng", "một phẩy hai tỷ đồng"),
        ("2tr5", "hai triệu năm trăm nghìn đồng"),
        ("5tr/tháng", "năm triệu đồng một tháng"),
        (
            "giá 25.000đ/kg",
            "giá hai mươi lăm nghìn đồng một ki lô gam",
        ),
        ("20.000 đồng/người", "hai mươi nghìn đồng một người"),
        ("100 USD", "một trăm đô la Mỹ"),
        ("$100", "một trăm đô la Mỹ"),
        ("50.000-100.000đ", "năm mươi nghìn đến một trăm nghìn đồng"),
        ("10,000 đồng", "mười nghìn đồng"),
        ("từ 50-100k", "từ năm mươi đến một trăm nghìn đồng"),
    ]);
}

#[test]
fn measures_are_told() {
    assert_read(&[
        ("đạt 98,5%", "đạt chín mươi tám phẩy năm phần trăm"),
        ("tăng 5 %/năm", "tăng năm phần trăm một năm"),
        ("10 kg gạo", "mười ki lô gam gạo"),
        ("cách 3km", "cách ba ki lô mét"),
        ("gió 60 km/h", "gió sáu mươi ki lô mét trên giờ"),
        ("120m2 đất", "một trăm hai mươi mét vuông đất"),
        ("120 m² đất", "một trăm hai mươi mét vuông đất"),
        ("2,5 ha rừng", "hai phẩy năm héc ta rừng"),
        ("2 triệu ha rừng", "hai triệu héc ta rừng"),
        ("5 l dầu", "năm lít dầu"),
        ("35°C", "ba mươi lăm độ xê"),
        ("rét 8oC", "rét tám độ xê"),
        ("xuống -2°C", "xuống âm hai độ xê"),
        ("mưa 50-100 mm", "mưa năm mươi đến một trăm mi li mét"),
        ("200 kWh", "hai trăm ki lô oát giờ"),
        ("điện 220V", "điện hai trăm hai mươi vôn"),
        ("cao 1m65", "cao một mét sáu mươi lăm"),
        ("phun 2 lít/ha", "phun hai lít trên héc ta"),
        ("15 kg/người", "mười lăm ki lô gam một người"),
        ("vài km nữa", "vài ki lô mét nữa"),
    ]);
}

#[test]
fn telephone_numbers_are_told_digit_by_digit() {
    assert_read(&[
        (
            "gọi 0912345678",
            "gọi không chín một hai, ba bốn năm, sáu bảy tám",
        ),
        (
            "gọi 0912 345 678",
            "gọi không chín một hai, ba bốn năm, sáu bảy tám",
        ),
        (
            "gọi 0912.345.678.",
            "gọi không chín một hai, ba bốn năm, sáu bảy tám.",
        ),
        (
            "(0208) 3 812 345",
            "không hai không tám, ba, tám một hai, ba bốn năm",
        ),
        (
            "+84 912 345 678",
            "cộng tám bốn, chín một hai, ba bốn năm, sáu bảy tám",
        ),
        (
            "tổng đài 1900 1234",
            "tổng đài một chín không không, một hai ba bốn",
        ),
        ("gọi 113", "gọi một một ba"),
        (
            "gọi 113, 114 hoặc 115",
            "gọi một một ba, một một bốn hoặc một một năm",
        ),
        ("113/114/115", "một một ba, một một bốn, một một năm"),
        ("hỗ trợ 115 hộ", "hỗ trợ một trăm mười lăm hộ"),
        (
            "STK 123456789",
            "số tài khoản một hai ba bốn, năm sáu bảy tám, chín",
        ),
    ]);
}

#[test]
fn short_forms_are_told_in_full() {
    assert_read(&[
        ("UBND xã Sảng Mộc", "ủy ban nhân dân xã Sảng Mộc"),
        ("ubnd xã", "ủy ban nhân dân xã"),
        (
            "HĐND, UBND, MTTQ",
            "hội đồng nhân dân, ủy ban nhân dân, Mặt trận Tổ quốc",
        ),
        ("HTX chè", "hợp tác xã chè"),
        ("thẻ BHYT, sổ BHXH", "thẻ bảo hiểm y tế, sổ bảo hiểm xã hội"),
        (
            "trường THCS và THPT",
            "trường trung học cơ sở và trung học phổ thông",
        ),
        ("TT Đình Cả", "thị trấn Đình Cả"),
        ("TP. Thái Nguyên", "thành phố Thái Nguyên"),
        ("H. Võ Nhai", "huyện Võ Nhai"),
        ("CA xã thông báo", "công an xã thông báo"),
        ("CHƯƠNG TRÌNH CA NHẠC", "chương trình ca nhạc"),
        ("THÔNG BÁO KHẨN", "thông báo khẩn"),
        ("Đ/c Nguyễn Văn A", "đồng chí Nguyễn Văn A"),
        ("phòng, chống Covid-19", "phòng, chống cô vít mười chín"),
        ("KT-XH, QP-AN", "kinh tế, xã hội, quốc phòng, an ninh"),
        (
            "Quyết định số 123/QĐ-UBND ngày 5/1/2026",
            "Quyết định số một trăm hai mươi ba của ủy ban nhân dân ngày năm tháng một năm hai nghìn không trăm hai mươi sáu",
        ),
        (
            "Nghị định 49/2024/NĐ-CP",
            "Nghị định bốn mươi chín năm hai nghìn không trăm hai mươi tư của Chính phủ",
        ),
        (
            "theo số 12/KH-UBND",
            "theo số mười hai kế hoạch của ủy ban nhân dân",
        ),
        (
            "Nghị quyết số 60-NQ/TW",
            "Nghị quyết số sáu mươi của Trung ương",
        ),
        (
            "CV số 245/UBND-NN v/v phòng rét",
            "công văn số hai trăm bốn mươi lăm của ủy ban nhân dân về việc phòng rét",
        ),
        (
            "Luật số 31/2024/QH15",
            "Luật số ba mươi mốt năm hai nghìn không trăm hai mươi tư của Quốc hội khóa mười lăm",
        ),
        (
            "trên QL3 tại Km12+500",
            "trên quốc lộ ba tại ki lô mét mười hai cộng năm trăm",
        ),
        ("đài VTV", "đài vê tê vê"),
        ("cài ZALO, bật WIFI", "cài zalo, bật oai phai"),
        ("rau, quả, v.v.", "rau, quả, vân vân"),
        ("cha/mẹ học sinh", "cha, mẹ học sinh"),
    ]);
}

#[test]
fn a_whole_notice_is_told() {
    assert_read(&[
        (
            "Địa điểm: NVH xóm Khuổi Mèo; ĐT: 0987.654.321 (đ/c Sơn - Trưởng xóm).",
            "Địa điểm: nhà văn hóa xóm Khuổi Mèo; điện thoại: không chín tám bảy, sáu năm bốn, ba hai một, đồng chí Sơn, Trưởng xóm.",
        ),
        (
            "Dự báo 8-12°C; mưa 20-40mm, gió cấp 6-7, giật cấp 9.",
            "Dự báo tám đến mười hai độ xê; mưa hai mươi đến bốn mươi mi li mét, gió cấp sáu đến bảy, giật cấp chín.",
        ),
        (
            "Tỷ lệ 12/34 hộ nghèo (35,3%), hỗ trợ 2-3 triệu đồng/hộ.",
            "Tỷ lệ mười hai trên ba mươi tư hộ nghèo, ba mươi lăm phẩy ba phần trăm, hỗ trợ hai đến ba triệu đồng một hộ.",
        ),
        (
            "Mức đóng: người thứ 1: 1.263.600đ; người thứ 2 = 70% mức người thứ 1.",
            "Mức đóng: người thứ nhất: một triệu hai trăm sáu mươi ba nghìn sáu trăm đồng; người thứ hai bằng bảy mươi phần trăm mức người thứ nhất.",
        ),
        (
            "Thu quỹ VSMT 20k/khẩu/tháng trước 30/11, từ 7h00 - 11h00.",
            "Thu quỹ vệ sinh môi trường hai mươi nghìn đồng một khẩu một tháng trước ngày ba mươi tháng mười một, từ bảy giờ đến mười một giờ.",
        ),
    ]);
}

#[test]
fn roman_numerals_are_told_where_they_are_meant() {
    assert_read(&[
        ("Khóa XV", "Khóa mười lăm"),
        ("Đại hội XIV của Đảng", "Đại hội mười bốn của Đảng"),
        (
            "Đại hội Đảng bộ xã lần thứ I",
            "Đại hội Đảng bộ xã lần thứ nhất",
        ),
        (
            "quý IV/2026",
            "quý tư năm hai nghìn không trăm hai mươi sáu",
        ),
        ("thế kỷ XXI", "thế kỷ hai mươi mốt"),
        ("VI PHẠM giao thông", "vi phạm giao thông"),
        ("phần III", "phần ba"),
        ("học kỳ II", "học kỳ hai"),
    ]);
}

#[test]
fn addresses_are_told_so_that_one_can_write_them_down() {
    assert_read(&[
        (
            "https://www.thainguyen.gov.vn/tin?x=1",
            "thainguyen chấm giê ô vê chấm vê en nờ gạch chéo tin",
        ),
        (
            "vào dichvucong.gov.vn.",
            "vào dichvucong chấm giê ô vê chấm vê en nờ.",
        ),
        ("lienhe@sangmoc.vn", "lienhe a còng sangmoc chấm vê en nờ"),
        (
            "số nhà 12/5 đường Hùng Vương",
            "số nhà mười hai trên năm đường Hùng Vương",
        ),
        ("số 15 ngõ 8", "số mười lăm ngõ tám"),
    ]);
}

#[test]
fn what_is_pasted_from_a_phone_is_told_without_its_ornaments() {
    assert_read(&[
        (
            "📢📢 THÔNG BÁO 📢📢\n- Thứ 7: vệ sinh\n- Chủ nhật: họp",
            "thông báo. Thứ bảy: vệ sinh. Chủ nhật: họp",
        ),
        (
            "Kính gửi bà con\nxóm Bản Chương",
            "Kính gửi bà con xóm Bản Chương",
        ),
        ("Mời bà con!!! Nhớ đến...", "Mời bà con! Nhớ đến."),
        ("(Có mưa).", "Có mưa."),
        ("ông Tá (trưởng xóm) mời", "ông Tá, trưởng xóm, mời"),
        ("“Toàn dân đoàn kết”", "Toàn dân đoàn kết"),
        ("=====\nHết", "Hết"),
        ("tie\u{302}m 2 mũi", "tiêm hai mũi"),
        ("Xin chào bà con.", "Xin chào bà con."),
        ("", ""),
        ("😀", ""),
    ]);
}
