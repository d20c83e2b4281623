;;; sluice-words-ko.el --- What the package says, in Korean -*- lexical-binding: t; coding: utf-8 -*-

;; Copyright (C) 2026 The Sluice authors

;; Author: The Sluice authors <https://github.com/sluice-llm/sluice>
;; URL: https://github.com/sluice-llm/sluice
;; Keywords: comm
;; SPDX-License-Identifier: GPL-3.0-or-later

;; This file is not part of GNU Emacs.

;; This program is free software; you can redistribute it and/or modify
;; it under the terms of the GNU General Public License as published by
;; the Free Software Foundation, either version 3 of the License, or
;; (at your option) any later version.

;; This program is distributed in the hope that it will be useful,
;; but WITHOUT ANY WARRANTY; without even the implied warranty of
;; MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
;; GNU General Public License for more details.

;; You should have received a copy of the GNU General Public License
;; along with this program.  If not, see <https://www.gnu.org/licenses/>.


;;; Commentary:

;; Each entry is the English text as it stands in the code, and what is said instead.
;; `%2$s' is the second value of the English text, where the order is another one.
;; The register is 해요체, and no particle depends on the sound of a value before it.

;;; Code:

(require 'sluice-words)

(sluice-words-define
 "ko"
 '(;; sluice-answer.el
   ("There is no answer of Sluice at point" "여기에는 Sluice의 답이 없어요")
   ("The answer broke off here; it is not complete" "답이 여기서 끊겼어요. 끝까지 온 답이 아니에요")
   ;; sluice-calls.el
   ("Steps" "지나온 단계")
   ("Place" "순서")
   ("Goes in" "남은 시간")
   ("Client" "클라이언트")
   ("Model" "모델")
   ("Waits for" "기다리는 것")
   ("No call waits." "기다리는 요청이 없어요.")
   ("now" "지금")
   ("%s of %s to %s waits for: %s.  It has waited %s%s"
    "%3$s에 보낼 %1$s 요청(%2$s)이 기다리는 것: %4$s. 지금까지 %5$s 기다렸어요%6$s")
   (" and goes in at most %s" ". 늦어도 %s 뒤에는 나가요")
   (" and goes in %s to %s" ". %s에서 %s 뒤에 나가요")
   ("Cancel the call of %s to %s? " "%2$s 모델에 보낼 요청(%1$s)을 취소할까요? ")
   ("Cancelled" "취소했어요")
   ("That call waits no longer" "그 요청은 이제 기다리지 않아요")
   ("It goes as soon as calls that a person waits for" "사람이 기다리는 요청과 같은 순서로 나가요")
   ("It goes after calls that a person waits for" "사람이 기다리는 요청 다음에 나가요")
   ("It goes when nothing else waits" "다른 요청이 모두 나간 다음에 나가요")
   ("At" "언제")
   ("State" "상태")
   ("Took" "걸린 시간")
   ("What happened" "무슨 일이에요?")
   ("There are no calls yet." "아직 요청이 없어요.")
   ("%.1f s" "%.1f초")
   ("queued" "대기")
   ("held" "다시 대기")
   ("running" "진행 중")
   ("done" "완료")
   ("failed" "실패")
   ("cancelled" "취소")
   ("interrupted" "중단")
   ("No call has failed." "실패한 요청이 없어요.")
   ("It goes when nothing else waits already" "벌써 다른 요청이 모두 나간 다음에 나가게 되어 있어요")
   ("It is next in line already" "벌써 다음 차례예요")
   ("A person waits for it already, and for those before it as well.  To let it go earlier, cancel one of them: k"
    "벌써 사람이 기다리는 요청이고, 그 앞의 요청들도 그래요. 더 일찍 보내려면 앞의 요청 하나를 취소해 주세요: k")
   ;; sluice-chat.el
   ("Sluice has not taken this call" "Sluice가 이 요청을 받지 않았어요")
   ("%s  %s explains it" "%s 설명은 %s")
   ("Sent to %s.  %s stops it" "보냈어요: %s. 멈추려면 %s")
   ("You took the answer away, so it was stopped" "답을 지우셔서 멈췄어요")
   ("%s stopped at the token limit" "%s: 토큰 한도에 닿아서 멈췄어요")
   ("%s has answered" "%s: 답이 왔어요")
   (" (%s + %s tokens)" " (토큰 %s + %s)")
   ("Stopped" "멈췄어요")
   ("Sluice's daemon has gone away.  Send again to start it anew" "Sluice 데몬이 꺼졌어요. 다시 보내면 새로 켜요")
   ("Sluice's daemon has gone away; the answer is not complete.  Send again to start it anew"
    "Sluice 데몬이 꺼져서 답이 도중에 끊겼어요. 다시 보내면 새로 켜요")
   ("You have disconnected from Sluice, so this answer was stopped.  Send again to connect anew"
    "Sluice와의 연결을 끊으셔서 이 답을 멈췄어요. 다시 보내면 새로 연결해요")
   ("waits, number %d in line" "줄에서 %d번째로 기다려요")
   ("waits, next in line" "다음 차례예요")
   ("waits to be sent again" "다시 보내려고 기다려요")
   ("waits" "기다려요")
   ("goes in %s" "%s 뒤에 나가요")
   ("waits %s" "대기 %s")
   ("sent" "보냄")
   ("writes" "쓰는 중")
   ("writes %.1fk" "쓰는 중 %.1fk")
   ("No answer is on its way to this buffer" "이 버퍼로 오고 있는 답이 없어요")
   ("Stopped %d answers" "답 %d개를 멈췄어요")
   ;; sluice-conversation.el
   ("%s at %s · \\<sluice-chat-mode-map>\\[sluice-send] sends · \\[sluice-abort] stops"
    "%s(%s) · \\<sluice-chat-mode-map>\\[sluice-send] 보내기 · \\[sluice-abort] 멈추기")
   ("There is no question before point: write one below the last turn" "커서 앞에 질문이 없어요. 마지막 대화 아래에 적어 주세요")
   ;; sluice-dashboard.el
   ("%d more are not shown." "%d건이 더 있지만 보여 주지 않았어요.")
   ("Sluice is not running; the list is how it was last.  %s" "Sluice가 꺼져 있어서 마지막으로 본 목록이에요. %s")
   ("Sluice is not running.  %s" "Sluice가 꺼져 있어요. %s")
   ("This list cannot be sorted by %s, but by: %s" "이 열로는 정렬할 수 없어요: %s. 정렬할 수 있는 열: %s")
   ("This list stays in its order: lines of one key belong together"
    "이 목록은 순서를 바꿀 수 없어요. 같은 키의 줄은 함께 있어야 해요")
   ("The list is how it was last.  %s" "마지막으로 본 목록이에요. %s")
   ("You have disconnected from Sluice; the list is how it was last.  g connects again"
    "Sluice와의 연결을 끊어서 마지막으로 본 목록이에요. g를 누르면 다시 연결해요")
   ("There is no call on this line" "이 줄에는 요청이 없어요")
   ;; sluice-doctor.el
   ("The daemon does not answer" "데몬이 답하지 않아요")
   ("Start it" "켜기")
   ("The daemon is there, but does not answer" "데몬이 있는데 답을 하지 않아요")
   ("Its process hangs.  End it in a terminal: %s; then start it anew with M-x sluice-start"
    "프로세스가 멈춰 있어요. 터미널에서 끝낸 다음(%s) M-x sluice-start로 다시 켜 주세요")
   ("The daemon runs: version %s, process %s" "데몬이 돌고 있어요(버전 %s, 프로세스 %s)")
   ("What answers is the sandbox: it simulates providers, and nothing goes to a real one"
    "지금 답하는 것은 샌드박스예요. 제공자를 흉내만 내고, 진짜 제공자에게는 아무것도 보내지 않아요")
   ("To reach a provider, end it in a terminal: %s; then start it without --sandbox"
    "진짜 제공자를 쓰려면 터미널에서 끝낸 다음(%s) --sandbox 없이 켜 주세요")
   ("The daemon speaks protocol %s, this package %s" "프로토콜이 서로 달라요. 데몬은 %s, 이 패키지는 %s")
   ("Update both in Sluice's folder: %s; then start the daemon and Emacs anew"
    "Sluice 폴더에서 둘 다 업데이트하고(%s) 데몬과 Emacs를 다시 켜 주세요")
   ("The daemon is version %s, this package %s" "버전이 서로 달라요. 데몬은 %s, 이 패키지는 %s")
   ("They understand each other; update the older one when it suits you"
    "서로 말은 통하니, 오래된 쪽은 편할 때 업데이트해 주세요")
   ("This package is version %s, too" "이 패키지도 버전이 같아요(%s)")
   ("The program `%s' is in `exec-path'" "`%s' 프로그램이 `exec-path'에 있어요")
   ("The program `%s' is not in `exec-path'" "`%s' 프로그램이 `exec-path'에 없어요")
   ("Emacs cannot start the daemon.  Install it in Sluice's folder: %s; or say where it is"
    "Emacs에서 데몬을 켤 수 없어요. Sluice 폴더에서 설치하거나(%s) 어디 있는지 알려 주세요")
   ("Say where it is" "어디 있는지 알려 주기")
   ("No daemon has written down its socket yet" "아직 소켓을 적어 둔 데몬이 없어요")
   ("It does so when it starts" "데몬이 시작할 때 적어요")
   ("There is no socket %s" "소켓이 없어요: %s")
   ("It comes when the daemon starts.  If it runs elsewhere, set `sluice-socket'"
    "데몬이 시작하면 생겨요. 다른 곳에서 돌고 있으면 `sluice-socket'에 적어 주세요")
   ("Others may use the socket %s (mode %o)" "다른 사람도 소켓을 쓸 수 있어요: %s(권한 %o)")
   ("Run in a terminal: %s" "터미널에서 이렇게 해 주세요: %s")
   ("Do that now" "지금 하기")
   ("The socket %s is yours alone (mode %o)" "소켓은 나만 쓸 수 있어요: %s(권한 %o)")
   ("auth-source has a key: machine %s login apikey" "auth-source에 키가 있어요: machine %s login apikey")
   ("auth-source has no key for %s" "auth-source에 %s 키가 없어요")
   ("Add a line to %s: %s.  It is not needed if the daemon has the key in its environment"
    "%s에 이 줄을 추가해 주세요: %s. 데몬의 환경 변수에 키가 있으면 없어도 돼요")
   ("curl is there" "curl이 있어요")
   ("curl is missing" "curl이 없어요")
   ("gptel goes through Sluice only with curl, and copied commands need it: install it"
    "curl이 있어야 gptel이 Sluice를 거칠 수 있고, 복사한 명령에도 필요해요. 설치해 주세요")
   ("gptel goes through Sluice: `sluice-gptel-mode' is on" "gptel이 Sluice를 거쳐요(`sluice-gptel-mode' 켜짐)")
   ("gptel is not installed, and not needed" "gptel은 설치되어 있지 않고, 없어도 돼요")
   ("gptel is installed, but does not go through Sluice" "gptel이 설치되어 있지만 Sluice를 거치지 않아요")
   ("Put this into your init file: %s" "초기화 파일에 이렇게 적어 주세요: %s")
   ("Turn it on now" "지금 켜기")
   ("g looks again, q closes this page" "g 다시 보기, q 닫기")
   ("All is well" "모두 괜찮아요")
   ("One thing is to be mended" "고칠 것이 1개 있어요")
   ("%d things are to be mended" "고칠 것이 %d개 있어요")
   ("ok" "정상")
   ("note" "참고")
   ("BAD" "문제")
   ("The daemon's own check is running…" "데몬이 스스로 점검하고 있어요. 잠시만요")
   ("The daemon's own check finds nothing to mend" "데몬이 스스로 점검해 보니 고칠 것이 없어요")
   ("What the daemon's own check finds" "데몬이 스스로 점검한 결과예요")
   ("There is no button %d" "%d번 버튼은 없어요")
   ("This could not be looked at: %s" "살펴보지 못했어요: %s")
   ("Change it" "바꾸기")
   ;; sluice-estimate.el
   ("%s tokens" "토큰 %s개")
   ("%s tokens, no wait" "토큰 %s개, 바로 나가요")
   ("%s tokens, ~%.1f s wait" "토큰 %s개, 약 %.1f초 대기")
   ("%s tokens, ~%d s wait" "토큰 %s개, 약 %d초 대기")
   ;; sluice-explain.el
   ("Hide the words" "숨기기")
   ("This is how it was told at that time.  The wait is over: it was until %s."
    "그때 알려 드린 그대로예요. 기다릴 시간은 %s까지였고, 이미 지났어요.")
   ("The daemon has kept nothing of this call, so there is no command to copy.  Send it again, then copy that"
    "데몬에 이 요청의 기록이 없어서 복사할 명령이 없어요. 다시 보낸 다음 그것을 복사해 주세요")
   ("If nobody has ended it: M-x sluice-doctor looks what is wrong."
    "아무도 끄지 않았다면: M-x sluice-doctor 명령으로 무엇이 잘못됐는지 볼 수 있어요.")
   ("Then send the same again." "그다음 똑같이 다시 보내 주세요.")
   ("Nothing is sent again by itself.  The provider may count what it had answered until then."
    "저절로 다시 보내지는 않아요. 그때까지 답한 만큼은 제공자가 사용량으로 칠 수 있어요.")
   ("Somebody has ended the daemon, or the system has, or it broke down.  The provider has refused nothing."
    "누군가 데몬을 껐거나, 시스템이 껐거나, 고장 났어요. 제공자가 거절한 것은 없어요.")
   ("The daemon went away before the answer had ended, so the answer is missing or not complete.  Emacs has seen its connection break; the daemon itself knows nothing of this call."
    "답이 끝나기 전에 데몬이 사라져서 답이 없거나 다 오지 않았어요. 연결이 끊긴 것을 Emacs가 보았고, 데몬에는 이 요청의 기록이 없어요.")
   ("The Sluice daemon was stopped while this call ran" "이 요청을 처리하는 동안 Sluice 데몬이 꺼졌어요")
   ("Mend that, then send the same again." "그것을 고친 다음 똑같이 다시 보내 주세요.")
   ("Select the error text first" "먼저 오류의 글을 선택해 주세요")
   ("This page is about a text, not about a call" "이 페이지는 요청이 아니라 글을 설명해요")
   ("Copied the curl command" "curl 명령을 복사했어요")
   ("Copied the curl command.  %s" "curl 명령을 복사했어요. %s")
   ("Sluice is not running, so its program is asked..." "Sluice가 꺼져 있어서 프로그램에 직접 물어봐요. 잠시만요")
   ("likely: only the text is known" "아마도: 글만 보고 판단했어요")
   ("clear now" "이제 풀렸어요")
   ("clears in %d:%02d" "%d:%02d 뒤에 풀려요")
   ("clears on %s at %s" "%s %s에 풀려요")
   ("Why" "왜 그래요?")
   ("What happens now" "이제 어떻게 돼요?")
   ("What you can do" "이렇게 해 보세요")
   ("What it is not" "이건 아니에요")
   ("How I know" "이렇게 판단했어요")
   ("The provider's words" "제공자가 보낸 말")
   ("Copy curl" "curl 복사")
   ("Open the page" "페이지 열기")
   ("Provider's words" "제공자가 보낸 말")
   ("Refresh" "새로 고침")
   ("Quit" "닫기")
   ("Number %d has no page to open" "%d번에는 열 페이지가 없어요")
   ("There is no page to open" "열 페이지가 없어요")
   ("What was sent with this call was not kept, so there is no command to copy.  Set journal.bodies to \"all\" in config.yaml, then send it again"
    "이 요청에 보낸 내용을 남겨 두지 않아서 복사할 명령이 없어요. config.yaml에서 journal.bodies를 \"all\"로 정한 다음 다시 보내 주세요")
   ;; sluice-gptel-explain.el
   ("Failed.  C-c ? then e explain, d dismiss" "실패했어요. C-c ? 다음에 e 설명, d 닫기")
   ;; sluice-gptel-failure.el
   ("This call was cancelled while it waited, so nothing is kept of it.  C-c ? t sends it again"
    "이 요청은 기다리는 동안 취소돼서 남은 기록이 없어요. C-c ? t 키로 다시 보낼 수 있어요")
   ("Cancelled." "취소했어요.")
   ("%s do not send it" "%s 보내지 않기")
   ("%s explain" "%s 설명")
   ("%s send again at %s" "%s %s에 다시 보내기")
   ("%s send again" "%s 다시 보내기")
   ("%s copy curl" "%s curl 복사")
   ("%s dismiss" "%s 닫기")
   ("%s  C-c ? then %s" "%s C-c ? 다음에 %s")
   ("Will be sent again at %s." "%s에 다시 보내요.")
   ("Failed." "실패했어요.")
   (", " ", ")
   ("No failure is shown in this buffer" "이 버퍼에는 실패가 표시되어 있지 않아요")
   ("The place of that answer is gone: begin it anew" "그 답이 들어갈 자리가 없어졌어요. 처음부터 다시 해 주세요")
   ("Sending the same again will not help: see C-c ? e" "똑같이 다시 보내도 소용없어요. C-c ? e를 봐 주세요")
   ("%s  With the cursor here: C-c ? then %s" "%s 커서를 여기에 두고 C-c ? 다음에 %s")
   ;; sluice-gptel-wait.el
   ("%s stops it" "멈추려면 %s")
   ("next in line" "다음 차례")
   ("number %d in line" "%d번째 순서")
   ("goes now" "지금 나가요")
   ("(and %d more)" "(외 %d건)")
   ;; sluice-gptel.el
   ("The Sluice daemon was stopped in the middle of this call, and runs again.  Send again"
    "이 요청이 진행되는 동안 Sluice 데몬이 꺼졌다가 다시 켜졌어요. 다시 보내 주세요")
   ("Sluice carries gptel's calls with the program curl.  Install it and send again"
    "Sluice는 gptel의 요청을 curl 프로그램으로 보내요. curl을 설치하고 다시 보내 주세요")
   ("Nothing was sent." "아무것도 보내지 않았어요.")
   ("Sluice: gptel's callback failed: %s" "Sluice: gptel의 콜백이 실패했어요: %s")
   ("The Sluice daemon stopped in the middle of this call.  Start it with M-x sluice-start, then send again"
    "이 요청이 진행되는 동안 Sluice 데몬이 꺼졌어요. M-x sluice-start로 켠 다음 다시 보내 주세요")
   ("The answer was cut off before its end, so it is not complete.  Send again"
    "답이 도중에 끊겨서 다 오지 않았어요. 다시 보내 주세요")
   ("The package gptel is not installed: M-x package-install RET gptel"
    "gptel 패키지가 설치되어 있지 않아요: M-x package-install RET gptel")
   ("This gptel is too old for Sluice, which needs 0.9.9.4 or newer: M-x package-upgrade RET gptel"
    "gptel이 너무 오래됐어요. Sluice에는 0.9.9.4 이상이 필요해요: M-x package-upgrade RET gptel")
   ("Sluice does not know the host %s" "Sluice가 모르는 호스트예요: %s")
   ("Sluice sends only to hosts that it knows or that you have allowed, so nothing was sent."
    "Sluice는 아는 호스트나 허용해 준 호스트에만 보내요. 그래서 아무것도 보내지 않았어요.")
   ("If it is a server of your own, which has no limits to keep: add %S to `sluice-gptel-direct-hosts', and gptel talks to it directly."
    "한도를 지킬 필요가 없는 내 서버라면 `sluice-gptel-direct-hosts'에 %S 항목을 추가해 주세요. 그러면 gptel이 직접 보내요.")
   ("Else allow it in config.yaml: %s" "아니라면 config.yaml에서 허용해 주세요: %s")
   ("Sluice does not know the host %s, so nothing was sent.  A server of your own belongs into `sluice-gptel-direct-hosts'; C-c ? e says more"
    "Sluice가 모르는 호스트(%s)라서 아무것도 보내지 않았어요. 내 서버라면 `sluice-gptel-direct-hosts'에 넣어 주세요. 자세한 것은 C-c ? e")
   ("A setting of Sluice is wrong" "Sluice 설정 하나가 잘못됐어요")
   ;; sluice-help.el
   ("Say what would go where, change that, and send" "무엇을 어디로 보낼지 보고, 바꾸고, 보내요")
   ("Send the region or paragraph; in a chat all turns up to point" "선택한 글이나 문단을, 대화에서는 커서까지 모두 보내요")
   ("Ask in the minibuffer" "미니버퍼에서 물어봐요")
   ("Go to the buffer in which you talk with a model" "모델과 대화하는 버퍼로 가요")
   ("Have the region rewritten, and look before it is replaced" "선택한 글을 고쳐 쓰고, 바꾸기 전에 보여 줘요")
   ("Stop the answer at point, else the newest one of this buffer" "커서가 있는 답을, 없으면 이 버퍼의 최근 답을 멈춰요")
   ("Remove the answer at point" "커서가 있는 답을 지워요")
   ("Explain why the last call failed" "최근 요청이 왜 실패했는지 설명해요")
   ("Explain the error text in the region" "선택한 오류의 글을 설명해요")
   ("Copy the newest call as a curl command, without the key" "최근 요청을 curl 명령으로 복사해요(키는 빼요)")
   ("Show what waits: for what, and until when" "무엇이 왜, 언제까지 기다리는지 보여 줘요")
   ("Show what was sent last, and how it went" "최근에 보낸 요청과 결과를 보여 줘요")
   ("Show the limits, and what is used of them" "한도와 사용량을 보여 줘요")
   ("Show what was used, and what is left of your budgets" "사용량과 남은 예산을 보여 줘요")
   ("Show in the mode line what waits" "기다리는 요청을 모드 라인에 보여 줘요")
   ("Look what is wrong with this set-up, and say how to mend it" "무엇이 문제이고 어떻게 고치는지 알려 줘요")
   ("Say whether the daemon is there, and what waits" "데몬이 있는지, 무엇이 기다리는지 알려 줘요")
   ("Start the daemon unless it is there" "데몬이 없으면 켜요")
   ("Close the connection to the daemon; the daemon lives on" "데몬과의 연결을 닫아요(데몬은 계속 돌아요)")
   ("List the commands of Sluice and their keys" "Sluice의 명령과 키를 보여 줘요")
   ("Keys of Sluice, after %s" "Sluice의 키(%s 다음에)")
   ("Keys of Sluice.  Give them a prefix:  %s" "Sluice의 키예요. 앞에 누를 키를 정해 주세요: %s")
   ;; sluice-keys.el
   ("Nothing was sent: you did not unlock the key for %s" "아무것도 보내지 않았어요. %s 키의 잠금을 풀지 않으셨어요")
   ("Nothing was sent: the keys could not be read: %s" "아무것도 보내지 않았어요. 키를 읽지 못했어요: %s")
   ("Nothing was sent: %s has no entry for machine %s login apikey.  Add the line: machine %s login apikey password KEY"
    "아무것도 보내지 않았어요. %s에 machine %s login apikey 항목이 없어요. 이 줄을 추가해 주세요: machine %s login apikey password KEY")
   ("Sluice is not running, so it holds no key" "Sluice가 꺼져 있어서 가지고 있는 키가 없어요")
   ("The daemon held no key" "데몬이 가지고 있던 키가 없어요")
   ("The daemon has forgotten the key that it held" "데몬이 가지고 있던 키를 지웠어요")
   ("The daemon has forgotten the %d keys that it held" "데몬이 가지고 있던 키 %d개를 지웠어요")
   ;; sluice-limits.el
   ("Host" "호스트")
   ("Limit" "한도")
   ("Used" "사용")
   ("Others" "다른 곳")
   ("From" "근거")
   ("No limit is known yet: the first call brings them." "아직 아는 한도가 없어요. 첫 요청을 보내면 알게 돼요.")
   ("none known" "아직 몰라요")
   ("requests" "요청")
   ("tokens" "토큰")
   ("input tokens" "입력 토큰")
   ("output tokens" "출력 토큰")
   ("images" "이미지")
   ("audio seconds" "오디오(초)")
   ("at a time" "동시 요청")
   ("second" "초")
   ("minute" "분")
   ("hour" "시간")
   ("day" "일")
   ("week" "주")
   ("month" "월")
   ("header" "헤더")
   ("config" "설정")
   ("guess" "추측")
   ("There is no limit on this line" "이 줄에는 한도가 없어요")
   ;; sluice-llm.el
   ("The package llm is not installed: M-x package-install RET llm"
    "llm 패키지가 설치되어 있지 않아요: M-x package-install RET llm")
   ;; sluice-mode-line.el
   ("waits:%d" "대기:%d")
   ("Calls that wait: %d.  The next one goes in %s" "기다리는 요청 %d건. 다음 요청은 %s 뒤에 나가요")
   ("Calls that wait: %d" "기다리는 요청 %d건")
   ;; sluice-notify.el
   ("the call has failed; M-x sluice-explain-last says why"
    "요청이 실패했어요. 이유는 M-x sluice-explain-last로 볼 수 있어요")
   ;; sluice-program.el
   ("Sluice is not running, and its program `%s' is not in `exec-path'.  Install it in Sluice's folder: pipx install ."
    "Sluice가 꺼져 있고, `%s' 프로그램이 `exec-path'에 없어요. Sluice 폴더에서 이렇게 설치해 주세요: pipx install .")
   ("`%s' gave no answer in %d seconds" "`%s' 프로그램이 %d초 동안 답하지 않았어요. 다시 해 보세요")
   ("`%s' printed nothing that could be read" "`%s' 프로그램이 내보낸 것을 읽을 수 없었어요")
   ;; sluice-rewrite.el
   ("sent; k gives up" "보냈어요. 그만두려면 k")
   ("is being written; k gives up" "쓰는 중이에요. 그만두려면 k")
   ("a accepts · k keeps the old text · d shows the difference" "a 받아들이기 · k 원래 글 그대로 두기 · d 차이 보기")
   ("The model wrote nothing, so the old text stays.  Try again in other words, or with another model"
    "모델이 아무것도 쓰지 않아서 원래 글을 그대로 두었어요. 다른 말로, 아니면 다른 모델로 다시 해 보세요")
   ("Select the text first" "먼저 글을 선택해 주세요")
   ("Rewrite it how? " "어떻게 고쳐 쓸까요? ")
   ("There is a proposal already: accept it or reject it first" "벌써 제안이 하나 있어요. 먼저 받아들이거나 거절해 주세요")
   ("There is no proposal at point" "커서가 있는 곳에 제안이 없어요")
   ("It is still being written" "아직 쓰는 중이에요")
   ("The text has changed since; k takes the proposal away" "그사이에 글이 바뀌었어요. k를 누르면 제안을 없애요")
   ("Replaced; undo brings the old text back" "바꿨어요. 실행 취소하면 원래 글로 돌아가요")
   ("The old text stays" "원래 글을 그대로 두었어요")
   ("old" "원래 글")
   ("new" "새 글")
   ("The program `%s' is missing" "`%s' 프로그램이 없어요. 설치해 주세요")
   ("There is no difference" "차이가 없어요")
   ("NOT COMPLETE: cut off at the token limit, see `sluice-max-tokens'"
    "끝까지 쓰지 못했어요: 토큰 한도에서 잘렸어요. `sluice-max-tokens' 참고")
   ("Nothing was sent, since you did not say what to change.  Rewrite again, and say it"
    "무엇을 고칠지 말하지 않아서 아무것도 보내지 않았어요. 다시 고쳐 쓰기를 하고 말해 주세요")
   ("Nothing is replaced yet.  For the whole text: k, then set `sluice-max-tokens' higher and rewrite again"
    "아직 아무것도 바꾸지 않았어요. 글 전체를 받으려면 k를 누르고 `sluice-max-tokens' 값을 올린 다음 다시 고쳐 써 주세요")
   ("The new text is cut off at the token limit.  Replace the whole old text by this part? "
    "새 글이 토큰 한도에서 잘렸어요. 원래 글 전체를 이 부분으로 바꿀까요? ")
   ;; sluice-rpc.el
   ("Sluice: unreadable message from the daemon (%s)" "Sluice: 데몬이 보낸 메시지를 읽을 수 없어요(%s)")
   ("The daemon's answer could not be read." "데몬의 답을 읽을 수 없었어요.")
   ("Sluice: error while handling a message: %s" "Sluice: 메시지를 처리하다가 오류가 났어요: %s")
   ("The Sluice daemon has gone away." "Sluice 데몬이 꺼졌어요.")
   ("The daemon has not answered `%s' in time." "데몬이 제때 답하지 않았어요(`%s').")
   ("Emacs has no method `%s'." "Emacs에는 `%s' 메서드가 없어요.")
   ;; sluice-send.el
   ("Send 1 line (≈%s tokens) to %s? (s send, e edit, C-g) "
    "%2$s에 1줄을 보낼까요(토큰 약 %1$s개)? (s 보내기, e 고치기, C-g) ")
   ("Send %d lines (≈%s tokens) to %s? (s send, e edit, C-g) "
    "%3$s에 %1$d줄을 보낼까요(토큰 약 %2$s개)? (s 보내기, e 고치기, C-g) ")
   ("Nothing was sent.  Change it, then send again" "아무것도 보내지 않았어요. 고친 다음 다시 보내 주세요")
   ("There is nothing to send here: select text or go to a paragraph"
    "여기에는 보낼 것이 없어요. 글을 선택하거나 문단으로 가 주세요")
   ("This is being answered already.  Send it a second time? " "벌써 답이 오고 있어요. 한 번 더 보낼까요? ")
   ("Not sent a second time" "한 번 더 보내지 않았어요")
   ("Ask %s: " "%s에게 묻기: ")
   ("Nothing was sent, since you asked nothing.  Ask again, and type the question"
    "아무것도 묻지 않아서 보내지 않았어요. 다시 물을 때 질문을 써 주세요")
   ;; sluice-settings.el
   ("a list of texts, such as (\"sluice\" \"serve\")" "(\"sluice\" \"serve\") 같은 문자열 목록")
   ("the name of a model, such as \"gpt-4o-mini\"" "\"gpt-4o-mini\" 같은 모델 이름")
   ("the name of a host, such as \"api.openai.com\"" "\"api.openai.com\" 같은 호스트 이름")
   ("nil or a language, such as \"ko\"" "nil이나 \"ko\" 같은 언어")
   ("nil or a file name of at most %d bytes" "nil이나 길이가 %d바이트를 넘지 않는 파일 이름")
   ("a text in which %%s stands for what you ask for" "%%s 자리에 부탁할 말이 들어가는 글")
   ("a list of regular expressions" "정규 표현식 목록")
   ("a list of regular expressions; %S is none (%s)" "정규 표현식 목록. 정규 표현식이 아닌 것: %S (%s)")
   ("The setting `%s' must be %s.  Change it: M-x customize-option RET %s"
    "`%s' 설정은 이래야 해요: %s. 바꾸려면: M-x customize-option RET %s")
   ("The setting `%s' has a value of the wrong kind.  See what it can be: M-x customize-option RET %s"
    "`%s' 설정의 값이 맞지 않아요. 쓸 수 있는 값 보기: M-x customize-option RET %s")
   ;; sluice-transient.el
   ("A chat always answers in itself" "대화의 답은 언제나 대화 안에 적혀요")
   ("Nothing to send at point" "커서가 있는 곳에 보낼 것이 없어요")
   ("Send: %s" "보내기: %s")
   ("host" "호스트")
   ("Host: " "호스트: ")
   ("model" "모델")
   ("Model: " "모델: ")
   ("system prompt" "시스템 프롬프트")
   ("none" "없음")
   ("System prompt: " "시스템 프롬프트: ")
   ("the answer goes" "답을 쓸 곳")
   ("behind what was sent" "보낸 글 뒤에")
   ("to a buffer of answers" "답만 모으는 버퍼에")
   ("send the region" "선택한 글 보내기")
   ("send the chat up to point" "커서까지 대화 보내기")
   ("send the paragraph" "문단 보내기")
   ("To" "보낼 곳")
   ("Otherwise" "다른 방법")
   ("ask in the minibuffer" "미니버퍼에서 묻기")
   ("rewrite the region" "선택한 글 고쳐 쓰기")
   ("chat" "대화")
   ("stop an answer" "답 멈추기")
   ("remove an answer" "답 지우기")
   ("See" "보기")
   ("queue" "기다리는 요청")
   ("limits" "한도")
   ("log" "최근 요청")
   ("what was used" "사용량")
   ("explain the last failure" "최근 실패 설명")
   ("what is wrong here" "문제 찾기")
   ("copy the last call as curl" "마지막 요청을 curl로 복사")
   ;; sluice-usage.el
   ("Used since %s.  Keys: m model, c client, h host, k key, d day, + - more or fewer days"
    "%s부터의 사용량. 키: m 모델, c 클라이언트, h 호스트, k 키, d 날짜, + - 기간 늘리고 줄이기")
   ("Nothing was used in this time.  Press + to look further back." "이 기간에는 사용량이 없어요. 더 앞을 보려면 +를 누르세요.")
   ("Tokens of each day" "날마다 쓴 토큰")
   ("%s to %s; the highest column is %s tokens" "%s~%s. 가장 높은 막대는 토큰 %s개")
   ("calls" "요청")
   ("input" "입력")
   ("output" "출력")
   ("cached" "캐시")
   ("total" "합계")
   ("client" "클라이언트")
   ("key" "키")
   ("date" "날짜")
   ("Cost is an estimate by the prices in your configuration." "비용은 설정에 적은 가격으로 어림한 값이에요.")
   ("To see cost, write prices: into the daemon's config.yaml."
    "비용을 보려면 데몬의 config.yaml에 prices:를 적어 주세요.")
   ("Without a price: %s" "가격이 없는 모델: %s")
   ("Your budgets" "내 예산")
   ;; sluice-watch.el
   ("Sluice: the daemon has gone away, so nothing waits there any more.  Start it with M-x sluice-start; Emacs notices when it is back"
    "Sluice: 데몬이 꺼져서 거기서 기다리던 요청도 없어졌어요. M-x sluice-start로 켜 주세요. 다시 켜지면 Emacs가 알아채요")
   ;; sluice.el
   ("Sluice does not answer" "Sluice가 답하지 않아요")
   ("Sluice is not running" "Sluice가 꺼져 있어요")
   ("Emacs was not connected to Sluice, so nothing has changed" "Emacs가 Sluice에 연결되어 있지 않았어요. 바뀐 것은 없어요")
   ("Disconnected from Sluice.  The daemon lives on; the next call connects again"
    "Sluice와의 연결을 끊었어요. 데몬은 그대로 있고, 다음 요청 때 다시 연결돼요")
   ("Sluice: the daemon (%s) speaks protocol %s, this package (%s) speaks %s.  Update both in Sluice's folder: %s; then start the daemon and Emacs anew"
    "Sluice: 프로토콜이 서로 달라요. 데몬(%s)은 %s, 이 패키지(%s)는 %s. Sluice 폴더에서 둘 다 업데이트하고(%s) 데몬과 Emacs를 다시 켜 주세요")
   ("Sluice: what listens at %s does not greet as it should: %s" "Sluice: %s에서 온 첫 응답이 올바르지 않아요: %s")
   ("The Sluice daemon does not answer.  If it hangs, end it in a terminal: %s; then start it anew with M-x sluice-start"
    "Sluice 데몬이 답하지 않아요. 멈춰 있다면 터미널에서 끝낸 다음(%s) M-x sluice-start로 다시 켜 주세요")
   ("The Sluice daemon does not answer at %s.  If it hangs, end its process; then start it anew with M-x sluice-start"
    "Sluice 데몬이 답하지 않아요(%s). 멈춰 있다면 프로세스를 끝낸 다음 M-x sluice-start로 다시 켜 주세요")
   ("Start it with M-x sluice-start, or in a terminal: %s" "M-x sluice-start로 켜거나, 터미널에서 켜 주세요: %s")
   ("Sluice is not running, so nothing was sent.  %s" "Sluice가 꺼져 있어서 아무것도 보내지 않았어요. %s")
   ("The program `%s' is not in `exec-path'.  Install it in Sluice's folder: %s; or set `sluice-daemon-command'"
    "`%s' 프로그램이 `exec-path'에 없어요. Sluice 폴더에서 설치하거나(%s) `sluice-daemon-command'를 정해 주세요")
   ("The daemon did not answer in %d seconds.  Run it in a terminal to see why: %s"
    "데몬이 %d초 동안 답하지 않았어요. 터미널에서 실행하면 이유를 볼 수 있어요: %s")
   ("Starting Sluice...  (C-g waits no longer)" "Sluice를 켜는 중이에요... (그만 기다리려면 C-g)")
   ("The daemon ended at once.  Mend what it says, then M-x sluice-start: %s"
    "데몬이 바로 꺼졌어요. 이 문제를 고친 다음 M-x sluice-start로 켜 주세요: %s")
   ("The daemon ended at once with status %s and said nothing.  Run it in a terminal to see more: %s"
    "데몬이 바로 꺼졌는데(종료 코드 %s) 아무 말도 남기지 않았어요. 터미널에서 실행하면 더 볼 수 있어요: %s")
   ("Sluice runs at %s" "Sluice가 돌고 있어요: %s")
   ("Sluice is not running.  Start it? " "Sluice가 꺼져 있어요. 켤까요? ")
   ("Sluice %s runs (process %s, %s): %s" "Sluice %s: 돌고 있어요(프로세스 %s, %s). %s")
   ("no call waits" "기다리는 요청이 없어요")
   ("It is the sandbox: nothing goes to a provider" "샌드박스라서 제공자에게는 아무것도 보내지 않아요")
   ("1 call waits" "요청 1건이 기다려요")
   ("%d calls wait" "요청 %d건이 기다려요")))

(provide 'sluice-words-ko)
;;; sluice-words-ko.el ends here
